//! Tokens of a transformer as the map that they are cells of, and back: operators that are put into tract's graph.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{Slice, TypedConcat};
use tract_onnx::tract_hir::internal::*;

use crate::model::layers::cells::Cells;

/// [n, others + rows · columns, channels] → [n, channels, rows, columns], the others left out.
#[derive(Debug, Clone)]
pub(crate) struct TokensToMap {
    pub others: usize,
    pub rows: usize,
    pub columns: usize,
}

/// The inverse, which takes the tokens themselves as second input and the others from them.
#[derive(Debug, Clone)]
pub(crate) struct MapToTokens(pub TokensToMap);

impl TokensToMap {
    /// For a value with such cells; `None` for maps, and for channels before the cells.
    pub fn of(cells: Cells) -> Option<TokensToMap> {
        match cells {
            Cells::Tokens { others, rows, columns } => Some(TokensToMap { others, rows, columns }),
            _ => None,
        }
    }

    fn cells(&self) -> usize {
        self.rows * self.columns
    }
}

impl Expansion for TokensToMap {
    fn name(&self) -> StaticName {
        "TokensToMap".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].rank, 3)?;
        solver.equals(&outputs[0].rank, 4)?;
        solver.equals(&inputs[0].shape[0], &outputs[0].shape[0])?;
        solver.equals(&inputs[0].shape[2], &outputs[0].shape[1])?;
        solver.equals(&outputs[0].shape[2], self.rows.to_dim())?;
        solver.equals(&outputs[0].shape[3], self.columns.to_dim())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let with_place = Slice::new(1, self.others, self.others + self.cells());
        let cells = model.wire_node(format!("{prefix}.cells"), with_place, inputs)?;
        let moved = model.wire_node(format!("{prefix}.moved"), AxisOp::Move(2, 1), &cells)?;
        let (flat, grid) = (tvec!(self.cells().to_dim()), tvec!(self.rows.to_dim(), self.columns.to_dim()));
        model.wire_node(prefix, AxisOp::Reshape(2, flat, grid), &moved)
    }
}

impl Expansion for MapToTokens {
    fn name(&self) -> StaticName {
        "MapToTokens".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 2)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[1].shape, &outputs[0].shape)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let (&[map, tokens], form) = (inputs, &self.0) else { bail!("a map and its tokens are needed") };
        let (flat, grid) = (tvec!(form.cells().to_dim()), tvec!(form.rows.to_dim(), form.columns.to_dim()));
        let flat = model.wire_node(format!("{prefix}.flat"), AxisOp::Reshape(2, grid, flat), &[map])?;
        let moved = model.wire_node(format!("{prefix}.moved"), AxisOp::Move(1, 2), &flat)?;
        if form.others == 0 {
            return Ok(moved);
        }
        let others = model.wire_node(format!("{prefix}.others"), Slice::new(1, 0, form.others), &[tokens])?;
        model.wire_node(prefix, TypedConcat::new(1), &[others[0], moved[0]])
    }
}
