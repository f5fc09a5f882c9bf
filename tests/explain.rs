//! `explain` over many images: every image has its row, in order and right; memory does not grow with their number; nothing depends on
//! the number of threads.

use crate::fixture::{Fixture, int, ints};
use crate::support::{convscope, message, network};
use convscope::explain::engine::{Engine, Score};
use convscope::explain::score::{best, probabilities};
use convscope::explain::tail::feature_maps;
use convscope::input::image::{WHITE, read};
use convscope::input::preprocessing::recipe;
use convscope::model::Network;
use convscope::visualize::cam::{Method, signed_map};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes photographs of coloured rings, each a little different, named 000.png and so on.
fn photographs(folder: &Path, count: usize, (width, height): (u32, u32)) {
    fs::create_dir_all(folder).unwrap();
    for i in 0..count {
        let centre = ((i * 37) as u32 % width, (i * 53) as u32 % height);
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let ring = (x.abs_diff(centre.0).pow(2) + y.abs_diff(centre.1).pow(2)) as f32 / (200 + i) as f32;
            let light = 127.5 + 127.5 * ring.sin();
            image::Rgb([light as u8, (255.0 - light) as u8, (light / 2.0) as u8])
        });
        picture.save(folder.join(format!("{i:03}.png"))).unwrap();
    }
}

/// Runs `explain` with Variation 3, which must succeed, and returns the files it made, by name.
fn explained(folder: &Path, arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
    let model = network("variation-3");
    let output = convscope(folder, &[&["explain", model.to_str().unwrap(), "--out", "out"], arguments].concat());
    assert!(output.status.success(), "{}", message(&output));
    let mut files = Vec::new();
    for entry in walk(&folder.join("out")) {
        files.push((entry.strip_prefix(folder).unwrap().display().to_string(), fs::read(&entry).unwrap()));
    }
    files.sort();
    files
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn text<'a>(files: &'a [(String, Vec<u8>)], name: &str) -> &'a str {
    let (_, bytes) = files.iter().find(|(file, _)| file.ends_with(name)).unwrap_or_else(|| panic!("{name} is missing"));
    std::str::from_utf8(bytes).unwrap()
}

fn rows(files: &[(String, Vec<u8>)]) -> Vec<Value> {
    text(files, "images.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_image_has_its_row_in_order_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    photographs(&folder.path().join("photos"), 40, (60, 45));
    fs::write(folder.path().join("photos/020.png"), "no picture").unwrap();
    let one = explained(folder.path(), &["photos", "--gallery", "3", "--threads", "1"]);
    let four = explained(folder.path(), &["photos", "--gallery", "3", "--threads", "4"]);
    assert!(one == four, "the number of threads shows");

    let rows = rows(&one);
    assert_eq!(rows.len(), 40);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!((&row["number"], &row["file"]), (&Value::from(i + 1), &Value::from(format!("{i:03}.png"))));
        assert_eq!(row.get("error").is_some(), i == 20, "{row}");
    }
    assert!(rows[20]["error"].as_str().unwrap().starts_with("020.png: not an image"), "{}", rows[20]);
    let page = text(&one, "chapter.md");
    assert_eq!(page.matches("as the network sees it").count(), 3);
    for part in
        ["Of 40 images 39 were read", "1 could not be used", "The first 3 are shown", "images.jsonl", "| 020.png |"]
    {
        assert!(page.contains(part), "{part} is missing from\n{page}");
    }
    // The page's counts are those of the rows.
    let json: Value = serde_json::from_str(text(&one, "chapter.json")).unwrap();
    let survey = &json["sections"][0]["survey"];
    for (head, table) in (0..3).zip(survey["tables"].as_array().unwrap()) {
        let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.get("error").is_none()) {
            *counted.entry(row["heads"][head]["top"][0]["label"].as_str().unwrap()).or_default() += 1;
        }
        assert_eq!(counted.len(), table["rows"].as_array().unwrap().len());
        for row in table["rows"].as_array().unwrap() {
            assert_eq!(row[1], counted[row[0].as_str().unwrap()].to_string().as_str(), "{row}");
        }
    }
    let here = folder.path().display().to_string();
    assert!(one.iter().all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains(&here)), "a path of this machine");
}

#[test]
fn a_row_says_what_the_network_says() {
    let folder = tempfile::tempdir().unwrap();
    photographs(folder.path(), 3, (60, 45));
    let rows = rows(&explained(folder.path(), &["000.png", "002.png"]));
    let network = Network::load(&network("variation-3")).unwrap();
    let target = network.default_target(&network.heads()[0]).unwrap();
    let engine = Engine::new(&network, &target.tensor, &[], (28, 28)).unwrap();
    let recipe = recipe(&network, None, &|_, message| panic!("{message}")).unwrap();
    let prepared = recipe.preprocess.apply(read(&folder.path().join("002.png"), WHITE).unwrap().view()).unwrap();
    let image = prepared.input.into_dyn();
    let forward = engine.forward(&image).unwrap();
    let row = &rows[1];
    assert_eq!((&row["file"], &row["size"]), (&"002.png".into(), &serde_json::json!([60, 45])));
    for (i, head) in network.heads().iter().enumerate() {
        let said = &row["heads"][i];
        let wanted = probabilities(head, forward.get(&head.logits).unwrap(), None);
        let class = best(&wanted);
        assert_eq!(said["head"], head.name.as_str());
        assert_eq!(said["top"][0]["class"], class);
        assert_eq!(said["top"][0]["label"], head.labels.as_ref().unwrap()[class].as_str());
        let top: Vec<f64> =
            said["top"].as_array().unwrap().iter().map(|c| c["probability"].as_f64().unwrap()).collect();
        assert!(top.windows(2).all(|pair| pair[0] >= pair[1]) && top.len() == wanted.len().min(5), "{top:?}");
        assert!((top[0] - wanted[class]).abs() < 1e-9);

        let activation = forward.get(&target.tensor).unwrap();
        let gradient = engine.tail(&image, activation).unwrap().gradient(i, class, Score::Logit).unwrap();
        assert_eq!(said["explained"]["class"], class);
        assert!((said["explained"]["logit"].as_f64().unwrap() - f64::from(gradient.score)).abs() < 1e-4);
        let maps = feature_maps("target", activation.view()).unwrap();
        let signed = signed_map(Method::GradCam, maps.view(), gradient.gradient.view());
        let map = &said["maps"][0];
        assert_eq!((&map["method"], &map["cells"]), (&"Grad-CAM".into(), &serde_json::json!(signed.dim())));
        for ((row, column), value) in signed.indexed_iter() {
            assert_eq!(map["signed"][row][column].as_f64().unwrap() as f32, *value);
        }
        let (low, high) = signed.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        assert_eq!((map["minimum"].as_f64().unwrap() as f32, map["maximum"].as_f64().unwrap() as f32), (low, high));
        assert_eq!(map["peak"].is_null(), high <= 0.0, "{map}");
        // The peak lies where the largest cell looks: at its centre, or at the nearest pixel to it.
        if let Some(peak) = map["peak"].as_array() {
            let field = network.receptive_field(&target.tensor).unwrap();
            let (at, _) =
                signed.indexed_iter().fold(((0, 0), f32::MIN), |b, (at, v)| if *v > b.1 { (at, *v) } else { b });
            let (y, x) = field.centre(at.0, at.1);
            let (x, y) = prepared.fit.to_photo((x.clamp(0.0, 28.0), y.clamp(0.0, 28.0)));
            let near = |found: &Value, wanted: f64| (found.as_f64().unwrap() + 0.5 - wanted).abs() <= 0.5 + 1e-6;
            assert!(near(&peak[0], x) && near(&peak[1], y), "{peak:?} is not at {x}, {y}");
        }
    }
}

#[test]
fn files_of_one_name_are_told_apart_and_each_is_explained_once() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["summer", "winter"] {
        photographs(&folder.path().join("photos").join(name), 2, (40, 30));
    }
    let absolute = folder.path().join("photos/summer");
    let files = explained(folder.path(), &["photos/winter/001.png", "photos/*/*.png", absolute.to_str().unwrap()]);
    let names: Vec<String> = rows(&files).iter().map(|row| row["file"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names[..4], ["winter/001.png", "summer/000.png", "summer/001.png", "winter/000.png"]);
    let here = folder.path().display().to_string();
    assert!(files.iter().all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains(&here)), "a path of this machine");
}

#[test]
fn what_names_no_image_is_refused_and_the_last_page_stays() {
    let folder = tempfile::tempdir().unwrap();
    photographs(folder.path(), 1, (40, 30));
    let before = explained(folder.path(), &["000.png"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    for i in 0..9 {
        fs::write(folder.path().join(format!("bad{i}.png")), "no picture").unwrap();
    }
    let model = network("variation-3");
    for (argument, wanted) in
        [("empty", "holds no image"), ("photos/*.jpg", "no file matches"), ("bad*.png", "… and 4 more")]
    {
        let output = convscope(folder.path(), &["explain", model.to_str().unwrap(), argument, "--out", "out"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(message(&output).contains(wanted), "{}", message(&output));
        let kept = fs::read(folder.path().join("out/images.jsonl")).unwrap();
        assert_eq!(kept, text(&before, "images.jsonl").as_bytes());
    }
}

#[test]
fn activations_are_those_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    photographs(folder.path(), 1, (40, 30));
    let shown = |which: &str| {
        text(&explained(folder.path(), &["000.png", "--activations", which]), "chapter.md")
            .matches("Intermediate layer activation of")
            .count()
    };
    assert_eq!([shown("none"), shown("nv2d_2"), shown("conv2d_1,conv2d_2")], [0, 1, 2]);
    assert!(shown("all") >= 2);
    let model = network("variation-3");
    for (which, wanted) in [("conv2d", "part of several layers"), ("dense", "dense"), ("nowhere", "There are")] {
        let output = convscope(folder.path(), &["explain", model.to_str().unwrap(), "000.png", "--activations", which]);
        assert_eq!(output.status.code(), Some(2));
        assert!(message(&output).contains(wanted), "{}", message(&output));
    }
}

/// A network whose values overflow on a bright photograph still explains the dark ones; where none can be, the message says why.
#[test]
fn a_photograph_that_overflows_is_a_row_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut f = Fixture::new("x", &[1, 1, 8, 8]);
    f.floats("k", &[2, 1, 1, 1], &[3e38, -3e38]).node("Conv", &["x", "k"], "c", vec![]);
    f.node("Relu", &["c"], "r", vec![]).node("GlobalAveragePool", &["r"], "g", vec![]).node(
        "Flatten",
        &["g"],
        "v",
        vec![],
    );
    f.dense("v", "y", 2, 3).output("y");
    fs::write(folder.path().join("net.onnx"), f.bytes()).unwrap();
    for (name, value) in [("1-bright.png", 255), ("2-dark.png", 0), ("3-bright.png", 250)] {
        image::RgbImage::from_pixel(8, 8, image::Rgb([value; 3])).save(folder.path().join(name)).unwrap();
    }
    let explain = |images: &[&str]| {
        convscope(folder.path(), &[&["explain", "net.onnx", "--preprocess", "none", "--out", "out"], images].concat())
    };
    let output = explain(&["1-bright.png", "2-dark.png", "3-bright.png"]);
    assert!(output.status.success(), "{}", message(&output));
    let rows = fs::read_to_string(folder.path().join("out/images.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let errors: Vec<bool> =
        rows.iter().map(|row| row["error"].as_str().is_some_and(|e| e.contains("finite"))).collect();
    assert_eq!(errors, [true, false, true]);
    let output = explain(&["1-bright.png", "3-bright.png"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(message(&output).contains("not all finite numbers"), "{}", message(&output));
}

/// Behind the only convolution of a vision transformer nearly the whole network is still to come, and the page says so.
#[test]
fn a_layer_with_most_of_the_network_behind_it_is_said_to_be_early() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::from_pixel(8, 8, image::Rgb([90, 30, 200])).save(folder.path().join("photo.png")).unwrap();
    let said = |products: usize| {
        let mut f = Fixture::new("x", &[1, 3, 8, 8]);
        f.conv("x", "patches", [4, 3, 2, 2], vec![ints("strides", &[2, 2])]).integers("shape", &[1, 4, 16]);
        f.node("Reshape", &["patches", "shape"], "rows", vec![]);
        let mut tokens = f.node("Transpose", &["rows"], "t0", vec![ints("perm", &[0, 2, 1])]).weight("w", &[4, 4]);
        for i in 0..products {
            tokens = tokens.node("MatMul", &[&format!("t{i}"), "w"], &format!("t{}", i + 1), vec![]);
        }
        f.node("ReduceMean", &[&format!("t{products}")], "y", vec![ints("axes", &[1]), int("keepdims", 0)]).output("y");
        fs::write(folder.path().join("net.onnx"), f.bytes()).unwrap();
        let output = convscope(folder.path(), &["explain", "net.onnx", "photo.png", "--out", "out"]);
        assert!(output.status.success(), "{}", message(&output));
        let page = fs::read_to_string(folder.path().join("out/chapter.md")).unwrap();
        page.contains("more convolutions and matrix products lie between patches")
    };
    assert_eq!([said(2), said(9)], [false, true]);
}

/// One of tract's optimisations fails on a product over a concatenation with something stretched; the page says that it was left out.
#[test]
fn a_network_that_tract_cannot_optimise_is_explained_and_the_page_says_so() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::from_pixel(8, 8, image::Rgb([90, 30, 200])).save(folder.path().join("photo.png")).unwrap();
    let mut f = Fixture::new("x", &[1, 3, 8, 8]);
    f.conv("x", "c", [2, 3, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]);
    f.node("GlobalAveragePool", &["r"], "mean", vec![]).integers("size", &[1, 2, 6, 6]);
    f.node("Expand", &["mean", "size"], "wide", vec![]).node("Concat", &["wide", "r"], "both", vec![int("axis", 1)]);
    f.node("Transpose", &["both"], "last", vec![ints("perm", &[0, 2, 3, 1])]).weight("w", &[4, 3]);
    f.node("MatMul", &["last", "w"], "scores", vec![]);
    f.node("ReduceMean", &["scores"], "y", vec![ints("axes", &[1, 2]), int("keepdims", 0)]).output("y");
    fs::write(folder.path().join("net.onnx"), f.bytes()).unwrap();
    let output = convscope(folder.path(), &["explain", "net.onnx", "photo.png", "--out", "out"]);
    assert!(output.status.success(), "{}", message(&output));
    let page = fs::read_to_string(folder.path().join("out/chapter.md")).unwrap();
    assert!(page.contains("tract could not optimise this network") && page.contains("ConcatThenEinsum"), "{page}");
}

/// The most memory that `explain` held for `count` photographs, in bytes, as the kernel says while it runs.
fn peak_memory(folder: &Path, count: usize) -> usize {
    let names: Vec<String> = (0..count).map(|i| format!("{i:03}.png")).collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_convscope"))
        .args(["explain", network("variation-3").to_str().unwrap(), "--out", &format!("out{count}")])
        .args(["--quiet", "--gallery", "2", "--threads", "2"])
        .args(names)
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let ended = child.try_wait().unwrap();
        let lines = fs::read_to_string(&status).unwrap_or_default();
        let high_water = lines.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = high_water.and_then(|text| text.trim().trim_end_matches(" kB").parse::<usize>().ok());
        peak = peak.max(1024 * kilobytes.unwrap_or(0));
        if let Some(status) = ended {
            assert!(status.success());
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_images() {
    if !Path::new("/proc/self/status").exists() {
        println!("this system has no /proc: peak memory is not compared");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    photographs(folder.path(), 400, (300, 200));
    let (few, many) = (peak_memory(folder.path(), 40), peak_memory(folder.path(), 400));
    println!("peak memory: {} MB for 40 images, {} MB for 400", few >> 20, many >> 20);
    // One photograph and what the network makes of it take about a megabyte; 360 more of them would be seen at once.
    assert!(many < few + (24 << 20), "{few} bytes for 40 images, {many} for 400");
}
