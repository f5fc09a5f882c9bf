//! Registration: a map with a single hot cell is drawn where that cell looks, in map, overlay and crop.

use ndarray::{Array2, Array3, array};
use proptest::prelude::*;

use super::*;
use crate::input::image::{Fit, FitMode, Size};

fn heat<'a>(values: &'a Array2<f32>, grid: Grid) -> Heat<'a> {
    Heat { values: values.view(), grid, colormap: Colormap::Grey, object: None }
}

/// The first number of an attribute in a picture's first `<image>`.
fn attribute(picture: &Picture, name: &str) -> f64 {
    let image = picture.svg.split("<image").nth(1).unwrap();
    image.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
}

/// The centre of mass of an overlay's brightness over a black image, in pixels of the raster.
fn centre(raster: &Raster) -> (f64, f64) {
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    for row in 0..raster.height() {
        for column in 0..raster.width() {
            let light = f64::from(raster.pixel(column, row)[0]);
            (mass, x, y) = (mass + light, x + light * (column as f64 + 0.5), y + light * (row as f64 + 0.5));
        }
    }
    (x / mass, y / mass)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// For square, wide and tall photographs, stretched and cropped.
    #[test]
    fn a_hot_cell_is_drawn_where_it_looks(
        (width, height) in (60usize..200, 60usize..200), crop: bool, input in 32usize..96,
        first in 3.0f64..8.0, step in 4.0f64..9.0, hot in (0usize..100, 0usize..100),
    ) {
        let count = ((input as f64 - first) / step) as usize;
        prop_assume!(count >= 3);
        // The tent of an inner cell is whole and within the input.
        let (row, column) = (1 + hot.0 % (count - 2), 1 + hot.1 % (count - 2));
        let mut values = Array2::zeros((count, count));
        values[[row, column]] = 1.0;
        let grid = Grid::of_field([first, first], [step, step]);
        let (y, x) = grid.centre(row, column);
        let mode = if crop { FitMode::CentreCrop { shortest: input + 8 } } else { FitMode::Stretch };
        let fit = Fit::plan(Size { height, width }, Size::square(input), mode).unwrap();
        let (start, end) = (fit.to_photo((0.0, 0.0)), fit.to_photo((input as f64, input as f64)));
        let seen = [start.0 / width as f64, start.1 / height as f64, (end.0 - start.0) / width as f64, (end.1 - start.1) / height as f64];
        let photograph = Frame { size: (width as u32, height as u32), input: (input, input), seen };
        let own = Frame::of_input((input, input), (2 * input as u32, 2 * input as u32));
        let heat = heat(&values, grid);

        // The map: the hot cell's square around the point, exactly.
        let map = heat.map(&own, "").unwrap();
        let (cell_x, cell_y) = (attribute(&map, "width") / count as f64, attribute(&map, "height") / count as f64);
        let middle = (attribute(&map, "x") + (column as f64 + 0.5) * cell_x, attribute(&map, "y") + (row as f64 + 0.5) * cell_y);
        let wanted = own.point((x, y));
        prop_assert!((middle.0 - wanted.0).abs() < 1e-6 && (middle.1 - wanted.1).abs() < 1e-6, "{middle:?} {wanted:?}");

        // The overlay of the input: within half a pixel of it.
        let found = centre(&heat.blended(Array3::zeros((input, input, 3)).view(), &own));
        prop_assert!((found.0 - x).abs() <= 0.5 && (found.1 - y).abs() <= 0.5, "{found:?} is not at {x} {y}");

        // The overlay of the whole photograph: within half a pixel of where the crop came from.
        let found = centre(&heat.blended(Array3::zeros((height, width, 3)).view(), &photograph));
        let wanted = fit.to_photo((x, y));
        prop_assert!((found.0 - wanted.0).abs() <= 0.5 && (found.1 - wanted.1).abs() <= 0.5, "{found:?} is not at {wanted:?}");
    }
}

#[test]
fn nothing_is_drawn_beyond_the_cells() {
    // One cell of 4×4 pixels in the middle of an input of 8×8.
    let values = array![[1.0]];
    let grid = Grid::of_field([4.0, 4.0], [4.0, 4.0]);
    let heat = heat(&values, grid);
    let frame = Frame::of_input((8, 8), (80, 80));
    let raster = heat.blended(Array3::zeros((8, 8, 3)).view(), &frame);
    for row in 0..8 {
        for column in 0..8 {
            let inside = (2..6).contains(&row) && (2..6).contains(&column);
            let wanted = if inside { byte(OPACITY) } else { 0 };
            assert_eq!(raster.pixel(column, row)[0], wanted, "{column} {row}");
        }
    }
    let map = heat.map(&frame, "Length").unwrap();
    assert_eq!(["x", "y", "width", "height"].map(|name| attribute(&map, name)), [20.0, 20.0, 40.0, 40.0]);
    assert!(map.svg.contains(">Length</text>") && map.svg.contains(">1.00</text>"), "{}", map.svg);
}

#[test]
fn cold_places_keep_the_image_and_the_unseen_is_dark() {
    let values = array![[0.0, 2.0]];
    let grid = Grid::of_field([0.5, 0.5], [1.0, 1.0]);
    // Two pixels that the network saw, and one at each side that it did not.
    let frame = Frame { size: (4, 1), input: (2, 1), seen: [0.25, 0.0, 0.5, 1.0] };
    let raster = heat(&values, grid).blended(Array3::from_elem((1, 4, 3), 0.5).view(), &frame);
    let hot = byte(OPACITY + (1.0 - OPACITY) * 0.5);
    assert_eq!([0, 1, 2, 3].map(|x| raster.pixel(x, 0)[0]), [byte(0.2), 128, hot, byte(0.2)]);
    let picture = heat(&values, grid).overlay(Array3::from_elem((1, 4, 3), 0.5).view(), &frame).unwrap();
    assert!(picture.svg.contains(r##"<rect x="2" y="1""##), "{}", picture.svg);
}

#[test]
fn an_empty_map_leaves_the_image_and_nothing_is_an_error() {
    let values = array![[0.0, 0.0]];
    let grid = Grid::stretched((1, 2), (1, 2));
    let raster =
        heat(&values, grid).blended(Array3::from_elem((1, 2, 3), 1.0).view(), &Frame::of_input((2, 1), (2, 1)));
    assert_eq!([raster.pixel(0, 0)[0], raster.pixel(1, 0)[0]], [255, 255]);
    let none = Array2::zeros((0, 2));
    assert!(heat(&none, grid).map(&Frame::of_input((2, 1), (2, 1)), "").is_err());
    assert!(heat(&values, grid).overlay(Array3::zeros((0, 2, 3)).view(), &Frame::of_input((2, 1), (2, 1))).is_err());
}

#[test]
fn values_have_three_digits() {
    assert_eq!([0.0, 12.345, 0.012345, 345.6, 12345.0].map(number), ["0", "12.3", "0.0123", "346", "1.2e4"]);
}
