use super::*;
use ::image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use ::image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage};
use std::path::PathBuf;

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    match read(&file(&folder, name, bytes), WHITE) {
        Err(cause) if cause.is_input() => {
            let message = cause.to_string();
            assert!(message.contains(&format!("{name}: ")), "{message}");
            message
        }
        other => panic!("expected an input error, got {other:?}"),
    }
}

/// An EXIF block whose only entry is the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0]);
    block
}

#[test]
fn every_format_gives_its_pixels_whatever_its_name() {
    let image = RgbImage::from_fn(6, 4, |x, y| Rgb([(x * 40) as u8, (y * 60) as u8, 99]));
    let expected = Array3::from_shape_vec((4, 6, 3), image.as_raw().clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let path = folder.path().join("picture.xyz");
        image.save_with_format(&path, format).unwrap();
        assert_eq!(read(&path, WHITE).unwrap(), expected, "{format:?}");
    }
    let path = folder.path().join("picture.jpeg");
    image.save_with_format(&path, ImageFormat::Jpeg).unwrap();
    let decoded = read(&path, WHITE).unwrap();
    assert_eq!(decoded.dim(), (4, 6, 3));
    let largest = decoded.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(largest < Some(60), "{largest:?}");
}

#[test]
fn orientation_is_respected() {
    // A dark left half and a bright right half: turned by 90° clockwise (6) the dark half is on top, counter-clockwise (8) below.
    let image = RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 10 } else { 240 }; 3]));
    let folder = tempfile::tempdir().unwrap();
    for (orientation, dim, first_is_dark) in
        [(1, (16, 32, 3), true), (3, (16, 32, 3), false), (6, (32, 16, 3), true), (8, (32, 16, 3), false)]
    {
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new(&mut jpeg);
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.write_image(image.as_raw(), 32, 16, ExtendedColorType::Rgb8).unwrap();
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.write_image(image.as_raw(), 32, 16, ExtendedColorType::Rgb8).unwrap();
        for (name, bytes) in [("a.jpg", &jpeg), ("a.png", &png)] {
            let pixels = read(&file(&folder, name, bytes), WHITE).unwrap();
            assert_eq!(pixels.dim(), dim, "{name}, orientation {orientation}");
            assert_eq!(pixels[[0, 0, 0]] < 128, first_is_dark, "{name}, orientation {orientation}");
            assert_ne!(pixels[[0, 0, 0]] < 128, pixels[[dim.0 - 1, dim.1 - 1, 0]] < 128, "{name}, {orientation}");
        }
    }
}

#[test]
fn transparent_pixels_show_the_background() {
    let image = RgbaImage::from_fn(3, 1, |x, _| Rgba([[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 51]][x as usize]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    image.save(&path).unwrap();
    let on_white = read(&path, WHITE).unwrap();
    // A fifth of red on white: 200/5 + 255·4/5 = 244 and 204.
    assert_eq!(on_white.as_slice().unwrap(), [200, 0, 0, 255, 255, 255, 244, 204, 204]);
    let on_black = read(&path, [0; 3]).unwrap();
    assert_eq!(on_black.as_slice().unwrap(), [200, 0, 0, 0, 0, 0, 40, 0, 0]);
}

#[test]
fn files_that_are_no_images_are_refused() {
    assert!(refusal("notes.png", b"This is a text file with the name of a picture.").contains("not an image"));
    assert!(refusal("empty.jpg", b"").contains("not an image"));
    assert!(refusal("movie.avif", b"\0\0\0\x1cftypavif\0\0\0\0").contains("Avif images are not read"));
    assert!(refusal("cut.gif", b"GIF89a\x01\0\x01\0\0\0\0").contains("cut.gif"));
    assert!(
        matches!(read(Path::new("no/such.png"), WHITE), Err(cause @ Error::Unreadable { .. }) if cause.to_string().contains("no/such.png"))
    );
}

#[test]
fn files_cut_short_are_refused() {
    let image = RgbImage::from_fn(20, 20, |x, y| Rgb([(x * y) as u8, (x * 12) as u8, (y * 12) as u8]));
    let folder = tempfile::tempdir().unwrap();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Jpeg] {
        let path = folder.path().join("whole");
        image.save_with_format(&path, format).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in (0..whole.len() / 2).step_by(7) {
            let result = read(&file(&folder, "cut", &whole[..length]), WHITE);
            assert!(matches!(&result, Err(cause) if cause.is_input()), "{format:?} of {length} bytes");
        }
    }
}

#[test]
fn huge_declared_sizes_are_refused_before_memory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bmp");
    RgbImage::new(2, 2).save(&path).unwrap();
    let mut bitmap = std::fs::read(&path).unwrap();
    bitmap[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bitmap[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    assert!(refusal("huge.bmp", &bitmap).contains("60000×60000"));
}

#[test]
fn grey_becomes_three_equal_channels() {
    let rgb = grey_to_rgb(ndarray::arr2(&[[1, 2, 3]]).view());
    assert_eq!(rgb.into_raw_vec_and_offset().0, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
}

#[test]
fn real_photographs_are_read() {
    let Some(folder) = std::env::var_os("CONVSCOPE_DATA").map(|folder| PathBuf::from(folder).join("photos")) else {
        println!("skipped: CONVSCOPE_DATA names no folder");
        return;
    };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let photo = read(&path, WHITE).unwrap();
        let recipe = Preprocess::preset("imagenet", Size::square(224), Layout::Nchw).unwrap();
        assert_eq!(recipe.apply(photo.view()).unwrap().input.dim(), (1, 3, 224, 224), "{}", path.display());
        count += 1;
    }
    assert!(count > 0);
}
