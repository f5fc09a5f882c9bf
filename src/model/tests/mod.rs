mod bundled;
mod data;
mod dialects;
mod features;
mod outputs;
mod refusals;
mod running;
mod scopes;

use std::path::Path;

use crate::error::Result;
use crate::model::Network;
use crate::model::fixture::Fixture;

impl Fixture {
    /// The network, as if read from `fixture.onnx`.
    pub fn network(&mut self) -> Result<Network> {
        self.proto.graph = Some(self.graph.clone());
        Network::from_proto(&mut self.proto, Path::new("fixture.onnx"), None)
    }

    /// The network, which must load.
    pub fn load(&mut self) -> Network {
        match self.network() {
            Ok(network) => network,
            Err(cause) => panic!("{cause}"),
        }
    }

    /// The message with which the network is refused.
    pub fn refusal(&mut self) -> String {
        match self.network() {
            Ok(_) => panic!("the network was accepted"),
            Err(cause) => cause.to_string(),
        }
    }
}
