//! Ten networks with something changed in each, seeded: attributes, shapes, edges, names and numbers.

use prost::Message;
use tract_onnx::pb;

use super::many::{Family, take};
use crate::mutate::mutate;
use crate::support::repository;

/// What is mutated: exports of several frameworks, among them several heads, attention, gates, grouped and transposed convolutions.
const SOUND: [&str; 10] = [
    "classic-squeezenet.onnx8",
    "two-heads.torchscript13",
    "keras-mobilenet.tf2onnx10",
    "transposed.dynamo18",
    "squeeze-excite.dynamo18",
    "classic-densenet.onnx9",
    "gelu.dynamo20",
    "open-size.torchscript11",
    "fcn.dynamo18",
    "group-norm.torchscript17",
];
/// Mutated networks that are always tried; the recipe `mutations` takes thousands.
const FEW: usize = 40;
/// Longest file.
const LONGEST: usize = 1 << 17;

/// A mutated network, by its number.
pub struct Mutation(pub usize);

impl Mutation {
    /// What it is, and its bytes: mutated once, every fourth network twice, each time by one to four changes.
    pub fn network(&self) -> (String, Vec<u8>) {
        let stem = SOUND[self.0 % SOUND.len()];
        let path = repository(&format!("tests/matrix/networks/{stem}.onnx"));
        let mut bytes = std::fs::read(path).expect("the network is there");
        for round in 0..1 + usize::from(self.0 / SOUND.len() % 4 == 3) {
            bytes = mutate(&bytes, LONGEST, (self.0 * 2 + round) as u64);
        }
        (format!("{stem} mutated"), bytes)
    }
}

/// `CONVSCOPE_MUTATIONS` is the number of runs, four for each network; `CONVSCOPE_FROM` the number of the first network.
#[test]
fn mutated_networks_end_in_a_page_or_a_message() {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let first = given("CONVSCOPE_FROM").unwrap_or(0);
    let networks = given("CONVSCOPE_MUTATIONS").map_or(FEW, |runs| runs.div_ceil(4));
    let outcome = take(Family::Mutations, (first, 1, first + networks));
    println!(
        "{} mutated networks, {} runs, of which {} ended in what they should make, {} complaints",
        outcome.networks,
        outcome.runs,
        outcome.made,
        outcome.complaints.len()
    );
    assert_eq!((outcome.networks, outcome.runs), (networks, 4 * networks));
    assert!(outcome.made > outcome.networks / 2, "hardly any network survives: {}", outcome.made);
    super::nothing_to_complain(outcome.complaints);
}

/// The networks that are mutated are networks, and mutations change them.
#[test]
fn mutations_are_seeded_and_change_something() {
    let (_, bytes) = Mutation(17).network();
    assert_eq!(bytes, Mutation(17).network().1);
    let changed = (0..SOUND.len()).filter(|number| {
        let (name, bytes) = Mutation(*number).network();
        assert!(pb::ModelProto::decode(bytes.as_slice()).is_ok(), "{name}");
        std::fs::read(repository(&format!("tests/matrix/networks/{}.onnx", SOUND[*number]))).unwrap() != bytes
    });
    assert!(changed.count() >= 8);
}
