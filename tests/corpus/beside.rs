//! What stands beside a network: photographs, chapter files, labels and MNIST's files that are not what they should be.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use rayon::prelude::*;

use super::{chapter_complaint, complaint, hostile, nothing_to_complain, photograph, run, run_on};

/// A folder with a sound network and a photograph.
fn room() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("sound.onnx"), hostile::sound().bytes()).expect("the network is written");
    photograph(&folder.path().join("photo.png"));
    folder
}

/// Runs a command that may succeed or must refuse, and complains about anything else.
fn tried(folder: &Path, arguments: &[&str], what: &str, name: &str) -> Option<String> {
    let ended = run(folder, arguments);
    let bad = complaint(&ended, arguments, name).or_else(|| {
        let out = arguments.iter().position(|argument| *argument == "--out").and_then(|at| arguments.get(at + 1))?;
        (ended.code == Some(0)).then(|| chapter_complaint(&folder.join(out))).flatten()
    });
    bad.map(|bad| format!("{what}: {bad}"))
}

/// A PNG chunk with its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length, &kind[..], data, &sum.sum().to_be_bytes()].concat()
}

fn png(width: u32, height: u32, colour: u8, rest: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, colour, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), rest.to_vec(), chunk(b"IEND", &[])].concat()
}

fn bitmap(width: i32, height: i32) -> Vec<u8> {
    let mut bytes = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(b"\x01\0\x18\0");
    bytes.extend([0; 24]);
    bytes.extend([1, 2, 3, 0]);
    bytes
}

#[test]
fn hostile_photographs_are_refused() {
    let sound = {
        let folder = room();
        fs::read(folder.path().join("photo.png")).expect("the photograph is there")
    };
    let jpeg = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(64, 64).write_to(&mut bytes, image::ImageFormat::Jpeg).expect("a JPEG is written");
        bytes.into_inner()
    };
    let zeros = |count: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![0; count]).expect("the data are compressed");
        chunk(b"IDAT", &encoder.finish().expect("the data are compressed"))
    };
    // An EXIF block whose offsets lead out of it.
    let exif = [b"\xff\xd8\xff\xe1\0\x22Exif\0\0MM\0\x2a\xff\xff\xff\xff".as_slice(), &[0xff; 16], &jpeg[2..]].concat();
    let cases = [
        ("a gigantic PNG", png(1 << 30, 1 << 30, 2, &zeros(10))),
        ("a PNG just too large", png(1 << 13, (1 << 13) + 1, 2, &zeros(10))),
        ("a PNG of the largest size that is cut short", png(1 << 13, 1 << 13, 6, &zeros(10))),
        ("a PNG without pixels", png(0, 0, 2, &zeros(0))),
        ("a PNG that is one line", png(1 << 20, 1, 0, &zeros((1 << 20) + 1))),
        ("a PNG with a gigantic text", png(4, 4, 2, &[chunk(b"zTXt", &zeros(1 << 24)), zeros(52)].concat())),
        ("a PNG cut short", sound[..sound.len() / 2].to_vec()),
        ("a gigantic bitmap", bitmap(i32::MAX, i32::MAX)),
        ("a bitmap upside down", bitmap(8000, i32::MIN)),
        ("a bitmap cut short", bitmap(8000, -8000)),
        ("a JPEG cut short", jpeg[..jpeg.len() / 2].to_vec()),
        ("a JPEG with broken EXIF", exif),
        ("a WebP that is a name", b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff".to_vec()),
        ("text", b"no image".to_vec()),
        ("nothing", Vec::new()),
    ];
    let complaints = cases.par_iter().filter_map(|(what, bytes)| {
        let folder = room();
        fs::write(folder.path().join("hostile.png"), bytes).expect("the photograph is written");
        tried(folder.path(), &["explain", "sound.onnx", "hostile.png", "--out", "explained"], what, "hostile")
    });
    nothing_to_complain(complaints.collect());
}

/// Six photographs of 34 megapixels on six threads take 1.2 GB at once; each waits for its share.
#[test]
fn large_photographs_wait_for_one_another() {
    let folder = room();
    let side = 5792;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = vec![0; 3 * side as usize + 1];
    (0..side).for_each(|_| encoder.write_all(&row).expect("the data are compressed"));
    let data = chunk(b"IDAT", &encoder.finish().expect("the data are compressed"));
    let names: Vec<String> = (0..6).map(|number| format!("large{number}.png")).collect();
    for name in &names {
        fs::write(folder.path().join(name), png(side, side, 2, &data)).expect("the photograph is written");
    }
    let mut arguments = vec!["explain", "sound.onnx", "--out", "explained"];
    arguments.extend(names.iter().map(String::as_str));
    let ended = run_on("6", folder.path(), &arguments);
    nothing_to_complain(complaint(&ended, &arguments, "sound").into_iter().collect());
    let rows = fs::read_to_string(folder.path().join("explained/images.jsonl")).expect("the rows are there");
    assert_eq!((rows.lines().count(), rows.contains("\"error\"")), (6, false), "{rows}");
}

#[test]
fn hostile_chapters_and_labels_end_in_a_message_or_a_chapter() {
    let section = "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"sound.onnx\"\n";
    let photo = "[[section.input]]\nimage = \"photo.png\"\n";
    let with = |lines: &str| format!("{section}{lines}\n{photo}");
    let many = |line: &str, count: usize| line.repeat(count);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nested arrays", format!("title = {}", many("[", 200_000)).into()),
        ("nested tables", format!("{}\n", many("a.", 100_000)).into()),
        ("no text", vec![0xff, 0xfe, 0, 1]),
        ("control characters", with("title = \"a\u{1}b\"").into()),
        ("escaped control characters", section.replace("\"S\"", "\"\\u001b[31m <b> | $x$ \\n\\n# x\"").into()),
        ("an endless title", section.replace("\"T\"", &format!("{:?}", many("long ", 200_000))).into()),
        ("a nested introduction", format!("introduction = {:?}\n{section}", many("> ", 20_000)).into()),
        ("nested emphasis", format!("introduction = {:?}\n{section}", many("*a **b ", 5_000)).into()),
        ("nested links", format!("introduction = {:?}\n{section}", many("[", 50_000)).into()),
        ("formulas", format!("introduction = {:?}\n{section}", format!("${}$", many("{", 5_000))).into()),
        ("a hundred thousand wrong lines", format!("{section}{}", many("x = 1\n", 100_000)).into()),
        ("means that are no numbers", with("preprocess = { mean = [nan], std = [inf] }").into()),
        ("deviations of zero", with("preprocess = { std = [0.0] }").into()),
        ("an infinite scale", with("preprocess = { scale = -inf }").into()),
        ("another size", with("preprocess = { size = [4294967296, 4294967296] }").into()),
        ("no size", with("preprocess = { size = [0, 0] }").into()),
        ("a box that is no box", format!("{section}{photo}box = [nan, inf, -1, 0]\n").into()),
        ("a mask that is the network", format!("{section}{photo}mask = \"sound.onnx\"\n").into()),
        ("a mask of another size", format!("{section}{photo}mask = \"../photo.png\"\n").into()),
        ("the largest seed", format!("seed = {}\n{section}{photo}", i64::MAX).into()),
        ("the largest sample", format!("{section}[[section.input]]\ndigit = 1\nsample = {}\n", i64::MAX).into()),
        ("a negative sample", format!("{section}[[section.input]]\ndigit = 1\nsample = -1\n").into()),
        ("an unknown class", with("class = \"99999999999999999999\"").into()),
        ("labels nested deep", with("labels = \"deep\"").into()),
        ("labels with line breaks", with("labels = \"odd\"").into()),
        ("labels that are no text", with("labels = \"photo.png\"").into()),
        ("labels in a folder", with("labels = \".\"").into()),
        ("MNIST that is a bomb", format!("{section}[[section.input]]\nmnist = 1\n").into()),
        ("a model in a folder", section.replace("sound.onnx", ".").into()),
    ];
    let complaints = cases.par_iter().filter_map(|(what, text)| {
        let folder = room();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("the file is written");
        write("hostile.toml", text);
        write("deep", many("[", 100_000).as_bytes());
        write("odd", b"[\"a\\n\\u0000b\", \"<script>\", \"| $x$ `\"]");
        if what.contains("bomb") {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            let header = [0, 0, 8, 3, 0, 4, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28];
            encoder.write_all(&header).and_then(|()| encoder.write_all(&vec![0; 1 << 28])).expect("it is compressed");
            write("t10k-images-idx3-ubyte.gz", &encoder.finish().expect("it is compressed"));
            write("t10k-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 4, 0, 0]);
        }
        let name = if what.contains("bomb") { "t10k" } else { "" };
        tried(folder.path(), &["report", "hostile.toml", "--quick", "--out", "reported"], what, name)
    });
    nothing_to_complain(complaints.collect());
}

/// A device that never ends stands for files of any size.
#[test]
fn files_without_end_are_refused() {
    let folder = room();
    let endless: [&[&str]; 4] = [
        &["inspect", "/dev/zero"],
        &["report", "/dev/zero", "--out", "out"],
        &["explain", "sound.onnx", "/dev/zero", "--out", "out"],
        &["explain", "sound.onnx", "photo.png", "--labels", "/dev/zero", "--out", "out"],
    ];
    let refused = |arguments: &&[&str]| {
        let ended = run(folder.path(), arguments);
        let wrong = (ended.code == Some(0)).then(|| "was accepted".to_string());
        complaint(&ended, arguments, "/dev/").or(wrong).map(|bad| format!("{arguments:?}: {bad}"))
    };
    nothing_to_complain(endless.iter().filter_map(refused).collect());
}
