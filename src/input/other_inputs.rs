//! The inputs of a network beside its image: numbers, arrays, and images that are prepared as the network's own.

use crate::config::{Located, OtherInput, OtherValue, Preprocessing};
use crate::error::{Error, Result};
use crate::input::image::{Pixels, npy};
use crate::input::prepared::image_levels;
use crate::input::preprocessing;
use crate::model::{GivenInputs, GraphInput, Network};
use ndarray::{ArrayD, IxDyn};
use std::path::Path;

/// Makes the values of a network's other inputs. `image` is the input that images go to, if it is named. An entry without a name is the
/// image input that is left.
///
/// # Errors
/// Names that no input has, files that cannot be read, values that do not fit.
pub fn given(
    model: &Path,
    others: &[Located<OtherInput>],
    image: Option<&str>,
    preprocess: Option<&Preprocessing>,
    complain: &dyn Fn(&Located<String>, String) -> Error,
) -> Result<GivenInputs> {
    let mut given = GivenInputs { image: image.map(str::to_string), ..GivenInputs::default() };
    if others.is_empty() && image.is_none() {
        return Ok(given);
    }
    let size = preprocess.and_then(|keys| keys.size);
    let declared = Network::load_given(model, size, &given)?.graph_inputs().to_vec();
    let taken = |input: &&GraphInput| {
        image == Some(input.name.as_str()) || others.iter().any(|other| other.value.name == input.name)
    };
    let left = declared.iter().find(|input| input.is_image() && !taken(input));
    for other in others {
        let name = if other.value.name.is_empty() { left.map_or("", |input| &input.name) } else { &other.value.name };
        let at = Located { value: name.to_string(), line: other.line, key: other.key.clone() };
        let Some(input) = declared.iter().find(|input| input.name == name) else {
            let known: Vec<&str> = declared.iter().map(|input| input.name.as_str()).collect();
            return Err(complain(&at, format!("there is no input `{name}`; the network's are {}", known.join(", "))));
        };
        let values = match &other.value.value {
            OtherValue::Number(number) => ArrayD::from_elem(IxDyn(&[1]), *number as f32),
            OtherValue::File(file) => of_file(model, file, input, preprocess)?,
        };
        given.values.insert(name.to_string(), values);
    }
    if given.image.is_none() {
        given.image = left.map(|input| input.name.clone());
    }
    Ok(given)
}

/// The values of an input from a file: an array of as many numbers as the input takes goes in as it is; an image goes the way of the
/// network's images.
fn of_file(model: &Path, file: &Path, input: &GraphInput, preprocess: Option<&Preprocessing>) -> Result<ArrayD<f32>> {
    let failed = |what: String| Error::input(format!("{}: {what}", file.display()));
    let array = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    if array {
        let bytes = crate::file::bytes(file, crate::file::LARGEST_IMAGE)?;
        let numbers = npy::read(&bytes).map_err(failed)?;
        let floats = numbers.kind.starts_with('f');
        if !input.is_image() || (floats && numbers.values.len() == input.shape().iter().product::<usize>()) {
            return Ok(numbers.values);
        }
    }
    if !input.is_image() {
        return Err(failed(format!(
            "is given for the input `{}`, which is no image; give a number or a .npy array of the shape {:?}",
            input.name,
            input.shape()
        )));
    }
    let as_image = GivenInputs { image: Some(input.name.clone()), ..GivenInputs::default() };
    let network = Network::load_given(model, preprocess.and_then(|keys| keys.size), &as_image)?;
    let recipe =
        preprocessing::recipe(&network, preprocess, &|key, message| Error::input(format!("{}: {message}", key.key)))?;
    let prepared = match &image_levels(file, &recipe.preprocess)?.pixels {
        Pixels::Bytes(values) => recipe.preprocess.apply(values.view())?,
        Pixels::Real(values) => recipe.preprocess.apply(values.view())?,
    };
    Ok(prepared.input.into_dyn())
}
