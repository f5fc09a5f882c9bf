//! Whether a JPEG file is whole. The decoder makes grey of what is missing and does not say so.

use std::io::{BufRead, ErrorKind, Read, Result};

/// The marker at the end of an image, and the one at its beginning.
const END: u8 = 0xd9;
const BEGINNING: u8 = 0xd8;

/// Whether the segments and scans of a JPEG file lead to the marker at its end (ITU-T T.81, annex B). What follows it does not matter.
///
/// # Errors
/// When the file cannot be read.
pub fn is_whole(mut file: impl BufRead) -> Result<bool> {
    loop {
        // Within a scan 0xff is followed by 0 or by the number of a restart; whatever else follows is a marker.
        if file.skip_until(0xff)? == 0 {
            return Ok(false);
        }
        let mut code = [0xff];
        while code == [0xff] {
            if file.read(&mut code)? == 0 {
                return Ok(false);
            }
        }
        match code[0] {
            END => return Ok(true),
            0 | 1 | 0xd0..=0xd7 | BEGINNING => {}
            _ => {
                let mut length = [0; 2];
                match file.read_exact(&mut length) {
                    Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => return Ok(false),
                    read => read?,
                }
                let rest = u64::from(u16::from_be_bytes(length)).saturating_sub(2);
                std::io::copy(&mut file.by_ref().take(rest), &mut std::io::sink())?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::image::codecs::jpeg::JpegEncoder;
    use ::image::{ExtendedColorType, ImageEncoder};

    fn jpeg() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new(&mut bytes);
        // A block that holds a whole little image of its own, as cameras write them.
        encoder.set_exif_metadata(vec![0xff, 0xd8, 0xff, 0xd9]).unwrap();
        let pixels: Vec<u8> = (0..48 * 32 * 3).map(|i| (i * 7 % 251) as u8).collect();
        encoder.write_image(&pixels, 48, 32, ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn a_file_is_whole_to_its_last_byte() {
        let whole = jpeg();
        assert!(is_whole(whole.as_slice()).unwrap());
        assert!(is_whole([&whole, &b"something else"[..]].concat().as_slice()).unwrap());
        for length in 0..whole.len() {
            assert!(!is_whole(&whole[..length]).unwrap(), "{length} of {} bytes", whole.len());
        }
    }
}
