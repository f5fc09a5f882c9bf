//! Where the cells of a value lie in the network's input.

use crate::model::Network;
use crate::visualize::placement::Grid;

/// The cells of a value in the input, where its receptive field is the same on all paths.
pub fn field_grid(network: &Network, tensor: &str) -> Option<Grid> {
    let field = network.receptive_field(tensor)?;
    Some(Grid::of_field(field.start, field.jump.map(|jump| jump as f64)))
}

/// The cells of a value with `cells` (rows, columns) in an input of `size` (height, width): at their receptive fields, or stretched
/// over it where these differ from path to path.
pub fn grid(network: &Network, tensor: &str, cells: (usize, usize), size: (usize, usize)) -> Grid {
    field_grid(network, tensor).unwrap_or_else(|| Grid::stretched(cells, size))
}
