//! The chapter file: chapter.toml, validated.
