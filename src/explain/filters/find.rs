//! The convolutions of a network whose filters can be shown, by name.

use crate::config::suggestion;
use crate::error::{Error, Result};
use crate::model::{Layer, Network};

/// Names that a message lists before it breaks off.
const LISTED: usize = 20;

/// The convolutions of a network with their numbers of filters.
pub fn convolutions(network: &Network) -> String {
    let layers = network.layers().iter().filter(|layer| layer.convolution.is_some());
    let more = layers.clone().count().saturating_sub(LISTED);
    let known: Vec<String> = layers
        .take(LISTED)
        .map(|layer| {
            let filters = filter_count(network, layer).map_or("?".into(), |n| n.to_string());
            format!("{} ({filters} filters)", layer.name)
        })
        .collect();
    match (known.is_empty(), more) {
        (true, _) => "no convolution at all".into(),
        (false, 0) => known.join(", "),
        (false, more) => format!("{} and {more} more, which `convscope inspect` lists", known.join(", ")),
    }
}

/// The number of a convolution's filters.
pub fn filter_count(network: &Network, layer: &Layer) -> Option<usize> {
    let axis = if network.input().channels_last { 3 } else { 1 };
    layer.convolution.as_ref().and_then(|_| *layer.output_shape.get(axis)?)
}

/// The convolution that `text` names: a layer, a tensor, or a part of either that belongs to one convolution only.
///
/// # Errors
/// No convolution or several have that name; those that there are are listed.
pub fn convolution<'n>(network: &'n Network, text: &str) -> Result<&'n Layer> {
    let all = || network.layers().iter().filter(|layer| layer.convolution.is_some());
    let target = network.find_target(text);
    if let Ok(target) = &target
        && let Some(layer) =
            all().find(|layer| layer.output_tensor == target.tensor || layer.pre_activation == target.tensor)
    {
        return Ok(layer);
    }
    let part = text.to_lowercase();
    let parts: Vec<&Layer> = all().filter(|layer| layer.name.to_lowercase().contains(&part)).collect();
    let what = match parts.as_slice() {
        [only] if !part.is_empty() => return Ok(only),
        [_, _, ..] if !part.is_empty() => {
            let names: Vec<&str> = parts.iter().take(LISTED).map(|layer| layer.name.as_str()).collect();
            let more = if parts.len() > names.len() { ", …" } else { "" };
            format!("is part of the names of {} convolutions: {}{more}", parts.len(), names.join(", "))
        }
        _ if target.is_ok() => {
            format!("is no convolution of {}, which has {}", network.name(), convolutions(network))
        }
        _ => {
            let near = suggestion(text, all().map(|layer| layer.name.as_str()));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("is no layer or tensor of {}, which has {}{hint}", network.name(), convolutions(network))
        }
    };
    Err(Error::input(format!("`{text}` {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::Fixture;

    /// Ten convolutions of one cell each with `filters` filters, `block.0` to `block.9`, and a pooling in front of the scores.
    fn network(filters: i64) -> Network {
        let mut fixture = Fixture::new("x", &[1, 3, 14, 14]);
        let mut below = "x".to_string();
        for block in 0..10 {
            let (conv, relu) = (format!("block.{block}.conv"), format!("block.{block}.relu"));
            fixture.conv(&below, &conv, [filters, if block == 0 { 3 } else { filters }, 1, 1], vec![]);
            fixture.node("Relu", &[&conv], &relu, vec![]);
            below = relu;
        }
        fixture.node("GlobalAveragePool", &[&below], "pooled", vec![]);
        fixture.node("Flatten", &["pooled"], "scores", vec![]).output("scores").load()
    }

    #[test]
    fn a_convolution_has_a_name_tensors_and_parts_of_them() {
        let network = network(2);
        let named = |text: &str| convolution(&network, text).map(|layer| layer.name.clone()).map_err(|e| e.to_string());
        for text in ["block.7.conv", "block.7.relu", "BLOCK.7", "7"] {
            assert_eq!(named(text), Ok("block.7.conv".into()), "{text}");
        }
        assert!(
            named("conv").unwrap_err().contains("part of the names of 10 convolutions: block.0.conv, block.1.conv")
        );
        assert_eq!(named("block"), Ok("block.9.conv".into()), "a scope stands for its last layer");
        assert!(named("pooled").unwrap_err().contains("is no convolution of"));
        let missing = named("nowhere").unwrap_err();
        assert!(missing.contains("is no layer or tensor") && missing.contains("block.9.conv (2 filters)"), "{missing}");
        assert!(named("block.4.cnov").unwrap_err().ends_with("; did you mean `block.4.conv`?"));
        assert!(named("").is_err());
    }
}
