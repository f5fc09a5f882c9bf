# Recipes for people; everything works with plain cargo too.

# List the recipes.
default:
    @just --list

# Make the bundled chapter in reports/.
report *options:
    cargo run --release -- report {{options}}

# Run the tests.
test:
    cargo test --release

# What CI runs.
ci:
    bash .ci/run

# Format and lint.
lint:
    cargo fmt --check
    cargo clippy --release --all-targets -- -D warnings

# Train the six networks again: needs Python 3.11, about an hour and a half on two cores, resumable.
models:
    bash onnx/train/models.sh

# Download MNIST from a public mirror, check it, and make the chapter with real digits in reports-mnist/.
mnist:
    #!/usr/bin/env bash
    set -euo pipefail
    mkdir -p data/mnist
    mirror=https://ossci-datasets.s3.amazonaws.com/mnist
    while read -r sum file; do
        [ -f "data/mnist/$file" ] || curl --fail --location --output "data/mnist/$file.part" "$mirror/$file"
        [ ! -f "data/mnist/$file.part" ] || mv "data/mnist/$file.part" "data/mnist/$file"
        echo "$sum  data/mnist/$file" | sha256sum --check
    done <<SUMS
    440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 train-images-idx3-ubyte.gz
    3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c train-labels-idx1-ubyte.gz
    8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6 t10k-images-idx3-ubyte.gz
    f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6 t10k-labels-idx1-ubyte.gz
    SUMS
    sed 's/^digit = /mnist = /' chapter.toml > chapter-mnist.toml
    CONVSCOPE_MNIST="$PWD/data/mnist" cargo run --release -- report chapter-mnist.toml --out reports-mnist

# Check the made page in a browser: HTML, accessibility, overflow, requests, links. Needs Node, Java and Chromium.
page-check file="reports/chapter.html":
    cd tests/page && npm ci --silent --no-fund --no-audit
    cd tests/page && node check.mjs "$(realpath ../../{{file}})" --megabytes 3 --pages 45 --first-screen ".verdicts tbody tr"

# The chapter as PDF, by headless Chromium.
pdf file="reports/chapter.html":
    chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf="{{without_extension(file)}}.pdf" "file://$(realpath {{file}})"

# Screenshots of the real page for the README, and the page's checks in pictures.
screenshots:
    cd tests/page && npm ci --silent --no-fund --no-audit
    cd tests/page && node shots.mjs ../../reports/chapter.html ../../target/screenshots
    cp target/screenshots/readme.png reports/screenshot.png

# Benchmarks: Grad-CAM per image, gradient ascent, and a photograph through a large network from file to page.
bench:
    cargo bench --bench gradcam
    cargo bench --bench ascent
    cargo bench --bench explain

# Every operator that tract reads, at ranks 0 to 5, constant or computed, in four operator sets: no signal, panic or timeout.
operators:
    CONVSCOPE_OPERATORS=all cargo test --release --test convscope every_operator_of_any_rank -- --nocapture || exit 1

# So many runs on seeded mutations of ten networks: no signal, no panic, no page lost. `from` is the first network's number.
mutations runs="20000" from="0":
    CONVSCOPE_MUTATIONS={{runs}} CONVSCOPE_FROM={{from}} cargo test --release --test convscope mutated_networks_end -- --nocapture || exit 1

# Fuzz a target, `onnx` or `chapter`, for so many seconds. Needs nightly and `cargo install cargo-fuzz`; the first build compiles tract anew.
fuzz target="onnx" seconds="600":
    cargo +nightly fuzz run -O --sanitizer none --fuzz-dir tests/fuzz {{target}} -- -max_total_time={{seconds}} -timeout=10 -rss_limit_mb=1024 -max_len=65536
