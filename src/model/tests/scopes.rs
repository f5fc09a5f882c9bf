//! Large networks in tables, messages and choices of layers.

use crate::model::fixture::Fixture;
use crate::model::layers::table::{Columns, Detail, render};

#[test]
fn large_networks_are_listed_by_scope() {
    let network = Fixture::scoped().load();
    let overview = render(&network, Columns::default(), Detail::Overview);
    let rows: Vec<&str> = overview.lines().collect();
    assert_eq!(
        rows[2..5].iter().map(|row| row.split("  ").next().unwrap()).collect::<Vec<_>>(),
        ["x (InputLayer)", "stem (Conv2D)", "stage1.0 (3 layers)"]
    );
    assert!(rows[4].contains("(None, 4, 8, 8)") && rows[4].ends_with("  296"), "{}", rows[4]);
    assert!(overview.contains("stage2.4 (3 layers)") && !overview.contains("stage1.0.a"), "{overview}");
    assert!(overview.ends_with("--all lists all 34 layers, --depth N opens N levels.\n"), "{overview}");
    let outer = render(&network, Columns::default(), Detail::Depth(0));
    assert!(
        outer.contains("stage1 (15 layers)") && outer.contains("  1480\n") && !outer.contains("stage1.0"),
        "{outer}"
    );
    let inner = render(&network, Columns::default(), Detail::Depth(2));
    assert!(
        inner.contains("\nstage1 (15 layers)")
            && inner.contains("\n  stage1.0 (3 layers)")
            && inner.contains("\n    stage1.0.a (Conv2D)"),
        "{inner}"
    );
    let all = render(&network, Columns::default(), Detail::All);
    assert_eq!(all.lines().count(), 2 + 34 + 4);
    for text in [&overview, &outer, &inner, &all] {
        assert!(text.contains("Total params: 3,051"), "{text}");
    }
    let groups = crate::model::layers::table::describe(&network).groups;
    assert_eq!(
        (groups.len(), groups[0].layers.as_slice(), groups[0].parameters),
        (10, &["stage1.0.a", "stage1.0.b", "stage1.0.add"][..], 296)
    );
    // A scope names its last layer, and messages do not list hundreds.
    assert_eq!(network.find_target("stage1").unwrap().tensor, "stage1.4.add");
    assert_eq!(network.find_layer("Stage2.3").unwrap().name, "stage2.3.add");
    let message = network.find_layer("stage").unwrap_err().to_string();
    assert!(
        message.lines().count() == 26 && message.contains("and 6 more; `convscope inspect fixture.onnx --all`"),
        "{message}"
    );
}
