//! The text of a file of labels, whatever its encoding: UTF-8, UTF-16 or Windows' Latin-1.

/// The text of bytes, without a byte order mark.
///
/// # Errors
/// Bytes that are no text in any of the encodings.
pub fn text(bytes: &[u8]) -> Result<String, String> {
    let no_text = || "is no text; a file of labels is text in UTF-8, UTF-16 or Latin-1".to_string();
    let units = |pair: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| pair([two[0], two[1]])).collect();
        String::from_utf16(&units).map_err(|_| no_text())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).map_err(|_| no_text()),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_string()),
            Err(_) => bytes.iter().map(|byte| latin(*byte)).collect::<Option<_>>().ok_or_else(no_text),
        },
    }
}

/// The characters of Windows-1252 where it goes beyond Latin-1, bytes 128 to 159; five of them stand for nothing.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// A byte's character in Windows-1252; none for bytes that no text holds.
fn latin(byte: u8) -> Option<char> {
    let character = match byte {
        128..=159 => WINDOWS[usize::from(byte) - 128],
        other => char::from(other),
    };
    (!character.is_control() || matches!(character, '\n' | '\r' | '\t')).then_some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_words() {
        let words = "Weißer Hai\n";
        let utf16 =
            |order: fn(u16) -> [u8; 2]| [0xfeff].into_iter().chain(words.encode_utf16()).flat_map(order).collect();
        let encoded: [Vec<u8>; 5] = [
            words.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", words.as_bytes()].concat(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            b"Wei\xdfer Hai\n".to_vec(),
        ];
        for bytes in encoded {
            assert_eq!(text(&bytes).unwrap(), words, "{bytes:?}");
        }
        assert_eq!(text(b"5 \x80").unwrap(), "5 €");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [&b"\x89PNG\r\n\x1a\n\0\0"[..], &[0xff, 0xfe, 0x00, 0xd8], &[0x81, 0xff]] {
            assert!(text(bytes).unwrap_err().contains("is no text"), "{bytes:?}");
        }
    }
}
