//! ONNX networks: read once, listed as layers, run through tract, lowered to our own graph.

#[cfg(test)]
pub(crate) mod fixture;
pub mod layers;
pub mod lower;
pub(crate) mod read;
pub mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use tract_onnx::prelude::*;

pub use layers::convolution::Convolution;
pub use layers::head::{Head, HeadActivation, Meaning, OtherOutput, ScoreKind};
pub use layers::layer::Layer;
pub use layers::receptive_field::ReceptiveField;
pub use layers::target::Target;
pub use read::inputs::{GivenInputs, GraphInput};
pub(crate) use read::printable::printable;
pub use read::shapes::Input;
pub use run::plan::Plan;
pub use run::tail::{Precision, Tail};

use crate::error::{Error, Result};
use layers::cells::Cells;
use layers::{cells, head, layer, layout, list, receptive_field};
use read::catch_panic::refuse_panic;
use read::{bounds, definition, external, follow, inputs, onnx, opset, refusal, rewrite, shapes, to_f32, values};

/// A convolutional network as its ONNX file describes it.
pub struct Network {
    name: String,
    file: PathBuf,
    sha256: String,
    definition: definition::Definition,
    input: Input,
    /// All inputs in the file's order.
    declared: Vec<GraphInput>,
    values: shapes::Values,
    layers: Vec<Layer>,
    heads: Vec<Head>,
    others: Vec<OtherOutput>,
    cells: BTreeMap<String, Cells>,
    layouts: layout::Layouts,
    fields: BTreeMap<String, ReceptiveField>,
    model: InferenceModel,
    /// Why it is listed and not run, if so.
    unrunnable: Option<String>,
    outlets: BTreeMap<String, OutletId>,
    notes: Vec<String>,
}

impl Network {
    /// Reads an ONNX file, with its external data beside it.
    ///
    /// Errors: the file is missing or damaged, or one message with every reason why the network cannot be used.
    pub fn load(path: &Path) -> Result<Network> {
        Network::load_sized(path, None)
    }

    /// As [`Network::load`], with an image size (height, width) for a network that leaves its own open.
    pub fn load_sized(path: &Path, size: Option<(usize, usize)>) -> Result<Network> {
        Network::load_given(path, size, &GivenInputs::default())
    }

    /// As [`Network::load_sized`], with values for the inputs beside the image; without them a network with several inputs can be
    /// listed, but not run.
    ///
    /// Errors: also names that no input has, and values that do not fit.
    pub fn load_given(path: &Path, size: Option<(usize, usize)>, given: &GivenInputs) -> Result<Network> {
        let (mut proto, sha256) = onnx::read(path)?;
        let mut declared = Vec::new();
        if let Some(graph) = &mut proto.graph {
            declared = inputs::inputs(graph);
            let in_file = |what: String| Error::input(format!("{}: {what}", path.display()));
            inputs::prepare(graph, given).map_err(in_file)?;
        }
        let mut network = Network::from_proto(&mut proto, path, size)?;
        network.sha256 = sha256;
        network.declared = declared;
        Ok(network)
    }

    fn from_proto(
        proto: &mut tract_onnx::pb::ModelProto,
        path: &Path,
        size: Option<(usize, usize)>,
    ) -> Result<Network> {
        let declared = proto.graph.as_ref().map(inputs::inputs).unwrap_or_default();
        rewrite::inline(proto);
        opset::modernise(proto);
        external::embed(proto, path.parent().unwrap_or(Path::new("")));
        to_f32::in_single_precision(proto);
        let notes = rewrite::rewrite(proto, path);
        let definition = onnx::define(proto, path)?;
        onnx::prepare(proto);
        let input = values::input(&definition);
        if let (Some(given), Some(own)) = (size, input.size())
            && given != own
        {
            let (height, width) = own;
            return Err(Error::input(format!("{}: takes images of {height}x{width} only", path.display())));
        }
        let in_file = |cause: Error| Error::input(format!("{}: {cause}", path.display()));
        let folder = path.parent().and_then(Path::to_str);
        let parsed = refuse_panic("reading the graph", || opset::reader().parse(proto, folder)).map_err(in_file)?;
        let outlets: BTreeMap<String, OutletId> = parsed.outlets_by_name.into_iter().collect();
        // The weights are in tract's model from here on.
        proto.graph = None;
        let mut model = parsed.model;
        let computed = refuse_panic("computing constants", || follow::fold(&mut model, &outlets, &definition));
        let computed = computed.map_err(in_file)?;
        let weights = bounds::weights(&definition) + computed;
        let source = values::Source { model: &model, outlets: &outlets, definition: &definition, weights };
        let values = values::infer(&source, &input, size).map_err(in_file)?;
        let unrunnable = bounds::run_reason(&definition, &values, computed);
        let cells = cells::cells(&definition, &values, &input);
        let layouts = layout::Layouts::of(&definition, &values, &input, &cells);
        let layers = list::layers(&definition, &values, &input, &layouts);
        let (heads, others) = head::heads(&definition, &values, &layouts);
        if heads.is_empty() {
            let reason = "none of its outputs depends on the image and has a fixed size other than zero".to_string();
            return Err(refusal::refusal(path, &[reason]));
        }
        let fields = receptive_field::fields(&definition, &values, &layouts, &input);
        Ok(Network {
            name: path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            file: path.to_path_buf(),
            sha256: String::new(),
            definition,
            input,
            declared,
            values,
            layers,
            heads,
            others,
            cells,
            layouts,
            fields,
            model,
            unrunnable,
            outlets,
            notes,
        })
    }

    /// The file, as it was named.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The file's name without folder and extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title from the file's metadata, else [`Network::name`].
    pub fn title(&self) -> &str {
        self.metadata().get("title").map_or(&self.name, String::as_str)
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The file's `metadata_props`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.definition.metadata
    }

    /// What was not read as it stands in the file, a sentence each: quantised arithmetic read as float, operators behind the
    /// scores stepped over.
    pub fn reading_notes(&self) -> &[String] {
        &self.notes
    }

    /// The image input.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// All inputs in the file's order, the image and those beside it.
    pub fn graph_inputs(&self) -> &[GraphInput] {
        &self.declared
    }

    /// The image size (height, width) at which layers and receptive fields are listed: the declared one, the one
    /// given, or a customary one for a network that leaves its size open.
    pub fn listed_size(&self) -> (usize, usize) {
        self.values.size
    }

    /// The only batch size the network takes, if it is not free. [`Plan`] splits batches by itself.
    pub fn fixed_batch(&self) -> Option<usize> {
        self.values.fixed_batch
    }

    /// The architecture, row by row.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layer of that name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The outputs that are explained, in the file's order: those that name classes, or all where none does.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The same, to say how their logits are read.
    pub fn heads_mut(&mut self) -> &mut [Head] {
        &mut self.heads
    }

    /// The outputs that are not explained.
    pub fn other_outputs(&self) -> &[OtherOutput] {
        &self.others
    }

    /// Whether the layers form a chain, which Keras prints without input row and connections.
    pub fn sequential(&self) -> bool {
        layer::sequential(&self.layers)
    }

    /// Refuses a network without any convolution.
    pub fn require_convolution(&self) -> Result<()> {
        if self.layers.iter().any(|layer| layer.convolution.is_some()) {
            return Ok(());
        }
        let kinds: std::collections::BTreeSet<&str> = self.layers.iter().map(|layer| layer.kind.as_str()).collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        Err(refusal::refusal(&self.file, &[format!("it has no convolution; its layers are {}", kinds.join(", "))]))
    }

    /// A weight's values by its ONNX name, e.g. [`Convolution::kernel`] (out, in/group, height, width).
    pub fn weight(&self, name: &str) -> Result<ArrayD<f32>> {
        let missing = || Error::input(format!("{}: there is no weight `{name}`", self.file.display()));
        let tensor = self.values.constants.get(name).ok_or_else(missing)?;
        run::plan::tensor_array(tensor)
    }

    /// Shape of any ONNX value; `None` for axes that change with the batch or an open image size.
    pub fn shape(&self, value: &str) -> Option<&[Option<usize>]> {
        self.values.shapes.get(value).map(Vec::as_slice)
    }

    fn outlet(&self, value: &str) -> Result<OutletId> {
        self.outlets
            .get(value)
            .copied()
            .ok_or_else(|| Error::input(format!("{}: there is no tensor `{}`", self.file.display(), printable(value))))
    }
}

#[cfg(test)]
mod tests;
