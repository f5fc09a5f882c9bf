use super::*;
use flate2::{Compression, write::GzEncoder};

/// Two images of 2×3 pixels, as the format's description has it byte for byte.
const SMALL: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255];

fn read_bytes(bytes: &[u8]) -> Result<ArrayD<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.idx");
    std::fs::write(&path, bytes).unwrap();
    read(&path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An array as the bytes of an IDX file.
fn idx(array: ndarray::ArrayViewD<u8>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), Path::new("a.idx"), array.shape()).unwrap();
    writer.push(&array.iter().copied().collect::<Vec<u8>>()).unwrap();
    writer.finish().unwrap()
}

/// The message of an input error; it must name the file.
fn refusal(bytes: &[u8]) -> String {
    match read_bytes(bytes) {
        Err(cause) if cause.is_input() => {
            let message = cause.to_string();
            assert!(message.contains("a.idx: "), "{message}");
            message
        }
        other => panic!("expected an input error, got {other:?}"),
    }
}

#[test]
fn plain_and_gzip_give_the_same_array() {
    let array = read_bytes(SMALL).unwrap();
    assert_eq!(array.shape(), [2, 2, 3]);
    assert_eq!((array[[0, 0, 0]], array[[0, 1, 0]], array[[1, 0, 2]], array[[1, 1, 2]]), (1, 4, 9, 255));
    assert_eq!(read_bytes(&gzip(SMALL)).unwrap(), array);
}

#[test]
fn what_is_written_is_the_format() {
    let mut writer = Writer::new(Vec::new(), Path::new("b.idx"), &[2, 2, 3]).unwrap();
    writer.push(&SMALL[16..20]).unwrap();
    writer.push(&SMALL[20..]).unwrap();
    assert_eq!(writer.finish().unwrap(), SMALL);
}

#[test]
fn a_writer_wants_as_many_values_as_its_header_declares() {
    let path = Path::new("c.idx");
    let mut writer = Writer::new(Vec::new(), path, &[2, 2]).unwrap();
    writer.push(&[1, 2, 3]).unwrap();
    assert!(writer.push(&[4, 5]).is_err(), "more than declared");
    let mut writer = Writer::new(Vec::new(), path, &[2, 2]).unwrap();
    writer.push(&[1, 2, 3]).unwrap();
    assert!(writer.finish().is_err(), "fewer than declared");
    assert!(matches!(Writer::new(Vec::new(), path, &[1 << 33]), Err(Error::Input(_))));
    assert!(matches!(Writer::new(Vec::new(), path, &[]), Err(Error::Input(_))));
    assert!(matches!(Writer::new(Vec::new(), path, &[u32::MAX as usize; 3]), Err(Error::Input(_))));
}

#[test]
fn wrong_files_are_refused_with_the_reason() {
    assert!(refusal(b"\x89PNG\r\n\x1a\n").contains("magic number is 0x89504e47"));
    assert!(refusal(&[0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0]).contains("type f32"));
    assert!(refusal(&[0, 0, 0x77, 1, 0, 0, 0, 1, 0]).contains("0x77"));
    assert!(refusal(&[0, 0, 8, 0]).contains("no dimensions"));
    assert!(refusal(&[SMALL, &[0]].concat()).contains("data follow after the 12 bytes of 2×2×3"));
    assert!(refusal(&SMALL[..27]).contains("2×2×3 values need 12 bytes, 11 are there"));
    for length in 0..16 {
        assert!(refusal(&SMALL[..length]).contains("cut short"), "{length} bytes of a header");
    }
}

#[test]
fn damaged_gzip_is_refused() {
    let whole = gzip(SMALL);
    for length in 2..whole.len() {
        refusal(&whole[..length]);
    }
    let mut flipped = whole.clone();
    let middle = whole.len() - 6;
    flipped[middle] ^= 0xff;
    assert!(refusal(&flipped).contains("damaged"), "a wrong checksum");
}

#[test]
fn huge_declared_dimensions_cost_no_memory() {
    let dimension = u32::MAX.to_be_bytes();
    let too_large = [&[0, 0, 8, 3][..], &dimension, &dimension, &dimension].concat();
    assert!(refusal(&too_large).contains("4294967295×4294967295×4294967295"));
    // Within the limit, but the data are not there.
    assert!(refusal(&[0, 0, 8, 1, 0x0f, 0xff, 0xff, 0xff, 1, 2]).contains("2 are there"));
    // A zero among dimensions whose product overflows.
    let zero = [&[0, 0, 8, 4][..], &[0; 4], &dimension, &dimension, &dimension].concat();
    refusal(&zero);
    assert_eq!(read_bytes(&[0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 5]).unwrap().shape(), [0, 5]);
}

#[test]
fn a_missing_file_is_the_users_to_mend() {
    assert!(
        matches!(read(Path::new("no/such/file")), Err(cause @ Error::Unreadable { .. }) if cause.to_string().contains("no/such/file"))
    );
}

/// Writes a small MNIST folder: two test images, given labels.
fn mnist_folder(labels: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let images = Array3::from_shape_fn((2, 28, 28), |(i, row, column)| (i * 100 + row + column) as u8);
    std::fs::write(folder.path().join("t10k-images-idx3-ubyte"), idx(images.view().into_dyn())).unwrap();
    let labels = ndarray::arr1(labels).into_dyn();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, idx(labels.view())).unwrap();
    let compressed = gzip(&std::fs::read(&plain).unwrap());
    std::fs::write(folder.path().join("t10k-labels-idx1-ubyte.gz"), compressed).unwrap();
    folder
}

#[test]
fn mnist_is_found_by_its_standard_names() {
    let folder = mnist_folder(&[3, 9]);
    let test = mnist(folder.path(), Split::Test).unwrap();
    assert_eq!((test.images[[1, 27, 27]], test.labels.to_vec()), (154, vec![3, 9]));
    let Err(Error::Input(message)) = mnist(folder.path(), Split::Train) else { panic!("there is no training part") };
    assert!(message.contains("train-images-idx3-ubyte"), "{message}");
}

#[test]
fn images_and_labels_must_fit_together() {
    for (labels, reason) in [(&[1, 2, 3][..], "expected 2, the number of images"), (&[1, 10], "label 1 is 10")] {
        let Err(Error::Input(message)) = mnist(mnist_folder(labels).path(), Split::Test) else { panic!("{labels:?}") };
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn the_real_mnist_is_read() {
    let Some(folder) = std::env::var_os("CONVSCOPE_MNIST") else {
        println!("skipped: CONVSCOPE_MNIST names no folder");
        return;
    };
    let test = mnist(Path::new(&folder), Split::Test).unwrap();
    assert_eq!(test.images.shape(), [10_000, 28, 28]);
    assert_eq!(test.labels.iter().take(10).copied().collect::<Vec<_>>(), [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let train = mnist(Path::new(&folder), Split::Train).unwrap();
    assert_eq!(train.images.shape(), [60_000, 28, 28]);
    // The mean intensity of the training part that every tutorial normalises with.
    let mean = train.images.iter().map(|value| f64::from(*value)).sum::<f64>() / train.images.len() as f64 / 255.0;
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
}
