//! Text from outside, such as labels and file names: characters that cannot be seen, or that change how their surroundings are read.

/// What is shown for a character: nothing for one without width, U+FFFD for one that commands a terminal or turns the direction of
/// writing, and else itself.
pub fn shown(character: char) -> Option<char> {
    match character {
        // Soft hyphen, joiners, word joiners, variation selectors of Mongolian, fillers, byte order mark, tags.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => None,
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' => None,
        '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}' => None,
        // Marks, embeddings, overrides and isolates of right-to-left text; separators of lines; what XML forbids.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some('\u{fffd}'),
        '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        control if control.is_control() => Some('\u{fffd}'),
        other => Some(other),
    }
}

/// Text as it is shown on a line: white space of any kind is a space.
pub fn line(text: &str) -> String {
    text.chars().filter_map(|c| if c.is_whitespace() { Some(' ') } else { shown(c) }).collect()
}

/// Text as it is shown on several lines: line breaks stay.
pub fn lines(text: &str) -> String {
    text.chars().filter_map(|c| if c == '\n' { Some(c) } else { shown(c) }).collect()
}

/// JSON that means the same and holds nothing that [`shown`] would replace: such characters are written as `\u` with their number.
pub fn json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || shown(character) == Some(character) {
            safe.push(character);
        } else {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_turns_or_hides_is_not_shown() {
        assert_eq!(line("a\u{1b}[31mb\u{202e}c\u{200b}d\te\nf\u{9b}g"), "a\u{fffd}[31mb\u{fffd}cd e f\u{fffd}g");
        assert_eq!(lines("a\nb\rc"), "a\nb\u{fffd}c");
        assert_eq!(line("Grünfink, 鳥, 3 × 3 🐦"), "Grünfink, 鳥, 3 × 3 🐦");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"labels": ["a\u{1b}\u{7f}\u{9b}", "\u{202e}b", "c\u{e0041}", "é"]});
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|c| c == '\n' || shown(c) == Some(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
