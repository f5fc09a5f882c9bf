#!/usr/bin/env bash
# Trains the six networks, exports them to onnx/, writes the tests' goldens and checks the bars. What is already trained is not trained again.
set -euo pipefail
cd "$(dirname "$0")"

[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt

convscope() { (cd ../.. && cargo run --quiet --release -- "$@"); }
work=onnx/train/work
[ -f work/line/train/line-labels-idx2-ubyte ] || convscope dataset line --per-class 1000 --seed 1 --out "$work/line/train"
[ -f work/line/test/line-labels-idx2-ubyte ] || convscope dataset line --per-class 100 --seed 2 --out "$work/line/test"
[ -f work/line/validation/line-labels-idx2-ubyte ] || convscope dataset line --per-class 50 --seed 4 --out "$work/line/validation"
[ -f work/line/golden/line-labels-idx2-ubyte ] || convscope dataset line --per-class 1 --seed 3 --out "$work/line/golden"
[ -f work/digits/labels-idx1-ubyte ] || convscope dataset digit --per-class 1 --seed 3 --out "$work/digits"

.venv/bin/python train.py
.venv/bin/python export.py
.venv/bin/python goldens.py
.venv/bin/python bars.py --onnx ..
