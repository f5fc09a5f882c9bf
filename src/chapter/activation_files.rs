//! `convscope activations`: the values of layers or tensors for all images, as arrays in files.

use crate::chapter::load::load;
use crate::config::{Chapter, Input, Located};
use crate::error::{Error, Result};
use crate::explain::activation_arrays::{ActivationArrays, ImageActivations};
use crate::input::sources::Sources;
use crate::progress::Progress;
use crate::report::assets::slug;
use crate::report::npy_rows::{self, NpyRows};
use std::path::Path;

/// The file beside the arrays that names the image of each of their rows.
pub const IMAGES: &str = "images.txt";

/// What was written.
pub struct WrittenArrays {
    /// The files with their shapes, for the terminal.
    pub files: Vec<String>,
    /// Sentences about images that were left out, and about what was assumed.
    pub notes: Vec<String>,
}

/// Writes the values of `layers` (names of layers or tensors, or parts of them) for all images of a chapter's only section: for each a file
/// `<layer>.npy` in `folder` whose first axis is the images', and `images.txt` with their names in order.
///
/// # Errors
/// Layers that there are not, images none of which can be used, files in the way.
pub fn write(
    chapter: &Chapter,
    layers: &[Located<String>],
    folder: &Path,
    progress: &Progress,
) -> Result<WrittenArrays> {
    npy_rows::require_absent(&folder.join(IMAGES))?;
    let section = chapter.sections.first().ok_or_else(|| Error::input("there is no network to run"))?;
    let network = load(chapter, section)?;
    let find = |name: &Located<String>| {
        network.loaded.network.find_target(&name.value).map_err(|cause| chapter.error(name, cause))
    };
    let targets = layers.iter().map(find).collect::<Result<Vec<_>>>()?;
    let tensors: Vec<&str> = targets.iter().map(|target| target.tensor.as_str()).collect();
    let sources = Sources::new(&network.loaded, &section.inputs, None, chapter.seed);
    let arrays = ActivationArrays::new(&network.loaded, &sources, &tensors)?;
    let names: Vec<String> =
        targets.iter().map(|target| slug(target.layer.as_ref().unwrap_or(&target.tensor))).collect();
    let mut files = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        let twins = names[..i].iter().filter(|other| *other == name).count();
        let name = if twins == 0 { name.clone() } else { format!("{name}-{}", twins + 1) };
        files.push((name.clone(), NpyRows::create(&folder.join(format!("{name}.npy")))?));
    }
    let mut written = WrittenArrays { files: Vec::new(), notes: chapter.notes.clone() };
    written.notes.extend(network.loaded.notes.iter().map(|note| format!("{}: {note}.", section.title)));
    let mut rows = Vec::new();
    let bar = progress.bar(section.inputs.len(), &section.title);
    arrays.each(&section.inputs, &bar, &mut |image, values| {
        match values {
            ImageActivations::LeftOut(reason) => written.notes.push(format!("Left out: {reason}.")),
            ImageActivations::Values(values) => {
                rows.push(name(&sources, image));
                files.iter_mut().zip(&values).try_for_each(|((_, file), value)| file.push(value))?;
            }
        }
        Ok(())
    })?;
    drop(bar);
    if rows.is_empty() {
        return Err(Error::input(format!("no image can be used\n{}", written.notes.join("\n"))));
    }
    for (name, file) in files {
        let shape = file.finish()?;
        written.files.push(format!("{name}.npy {shape:?}"));
    }
    npy_rows::write_names(&folder.join(IMAGES), &rows)?;
    Ok(written)
}

fn name(sources: &Sources, image: &Input) -> String {
    sources.name(image).unwrap_or_default().replace(['\n', '\r'], " ")
}
