//! The options that say how photographs become inputs.

use clap::Args;
use convscope::config::{Located, OtherInput, OtherValue, Preprocessing, Region};
use std::path::Path;

/// What stands above the options that say how images become inputs.
const INPUTS: &str = "How images become inputs [default: what the model's files say, else stated on the page]";

/// How photographs become inputs.
#[derive(Args, Default)]
pub struct Preprocess {
    #[command(flatten)]
    pub values: Values,
    /// How a photograph is fitted: stretch, crop its centre after its shortest side was resized, or letterbox, whole between bars
    #[arg(long, help_heading = INPUTS, value_name = "stretch|crop|letterbox")]
    pub fit: Option<String>,
    /// The level, 0 to 255, of a letterbox's bars [default: 114, a grey]
    #[arg(long, help_heading = INPUTS, value_name = "V")]
    pub pad: Option<u8>,
    /// What the shortest side is resized to before the centre is cut out, as 256 for an input of 224
    #[arg(long, help_heading = INPUTS, value_name = "S")]
    pub shortest: Option<usize>,
    /// How it is resized: nearest, triangle (bilinear), catmull-rom (bicubic) or lanczos3
    #[arg(long, help_heading = INPUTS, value_name = "NAME")]
    pub filter: Option<String>,
}

/// What a network's input holds, and how large it is.
#[derive(Args, Default)]
pub struct Values {
    /// A preset, which the options below override
    ///
    /// none: bytes 0 to 255 as they are, stretched to the input's size.
    /// keras-0-1: bytes / 255, stretched.
    /// keras-±1 (or keras-pm1): bytes / 127.5 − 1, stretched.
    /// imagenet: shortest side to 256 for an input of 224 (in proportion for others), centre cut out, bytes / 255, less the mean
    /// 0.485, 0.456, 0.406, over the deviation 0.229, 0.224, 0.225; torchvision's and timm's usual one.
    /// caffe-bgr: as imagenet cut out, channels blue, green, red, less the mean 103.939, 116.779, 123.68.
    #[arg(long, help_heading = INPUTS, value_name = "NAME", verbatim_doc_comment)]
    pub preprocess: Option<String>,
    /// Channel means, in the units of the scaled input, as in 0.485,0.456,0.406
    #[arg(long, help_heading = INPUTS, value_delimiter = ',', value_name = "M,…", allow_hyphen_values = true)]
    pub mean: Option<Vec<f64>>,
    /// Channel standard deviations, in the units of the scaled input
    #[arg(long, help_heading = INPUTS, value_delimiter = ',', value_name = "S,…")]
    pub std: Option<Vec<f64>>,
    /// What a byte is multiplied by before mean and standard deviation
    #[arg(long, help_heading = INPUTS, value_name = "X")]
    pub scale: Option<f64>,
    /// Channels in the order blue, green, red
    #[arg(long, help_heading = INPUTS)]
    pub bgr: bool,
    /// The file's values that become 0 and 255, those beyond being clipped: two numbers, or percentages of the image's own values
    /// [default: 0,255 of 8 bits and 0,65535 of 16 bits, which are not rounded]
    #[arg(long, help_heading = INPUTS, value_name = "LO,HI|P%,P%", allow_hyphen_values = true)]
    pub range: Option<String>,
    /// Bands shown as red, green and blue, counted from 1, of a network that takes other channels than colours [default: 1,2,3]
    #[arg(long, help_heading = INPUTS, value_name = "R,G,B")]
    pub show: Option<String>,
    /// The input's height and width in pixels, or one number for both, for a network that takes any size
    #[arg(long, help_heading = INPUTS, value_name = "H,W", value_parser = sides)]
    pub size: Option<(usize, usize)>,
}

impl Preprocess {
    /// The preprocessing asked for, if any was.
    pub fn given(&self) -> Option<Preprocessing> {
        let option = |key: &str, value: &Option<String>| value.clone().map(|value| Located::option(key, value));
        let given = Preprocessing {
            fit: option("--fit", &self.fit),
            pad: self.pad.map(|pad| Located::option("--pad", pad)),
            filter: option("--filter", &self.filter),
            shortest: self.shortest,
            ..self.values.given().unwrap_or_default()
        };
        (given != Preprocessing::default()).then_some(given)
    }
}

impl Values {
    pub fn given(&self) -> Option<Preprocessing> {
        let given = Preprocessing {
            preset: self.preprocess.clone().map(|value| Located::option("--preprocess", value)),
            mean: self.mean.clone(),
            std: self.std.clone(),
            scale: self.scale,
            size: self.size,
            bgr: self.bgr.then_some(true),
            range: self.range.clone().map(|value| Located::option("--range", value)),
            show: self.show.clone().map(|value| Located::option("--show", value)),
            ..Preprocessing::default()
        };
        (given != Preprocessing::default()).then_some(given)
    }
}

/// What another input of the network gets: `depth=d.png`, `age=0.4`.
pub fn other_input(text: &str) -> Result<OtherInput, String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        format!("`{text}` gives no input a value; write NAME=FILE, an image or a .npy array, or NAME=NUMBER")
    })?;
    let value = match value.parse() {
        Ok(number) => OtherValue::Number(number),
        Err(_) if Path::new(value).is_file() => OtherValue::File(value.into()),
        Err(_) => return Err(format!("`{value}` is neither a number nor a file")),
    };
    Ok(OtherInput { name: name.to_string(), value })
}

/// A box as in `10,20,100,80`, else a mask's file.
pub fn region(text: &str) -> Result<Region, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse::<f64>()).collect();
    match numbers.as_deref() {
        Ok(&[left, top, width, height]) => {
            Region::of_box([left, top, width, height]).map_err(|problem| format!("the box {problem}"))
        }
        Ok(_) => Err("a box has four numbers, its left, top, width and height in pixels of the photograph".into()),
        Err(_) if Path::new(text).is_file() => Ok(Region::Mask(text.into())),
        Err(_) => Err(format!("`{text}` is neither a box as in 10,20,100,80 nor a file")),
    }
}

/// Height and width in pixels: `224,320`, or one number for both.
pub fn sides(text: &str) -> Result<(usize, usize), String> {
    let side = |text: &str| match text.trim().parse() {
        Ok(side @ 1..=65_536) => Ok(side),
        _ => {
            Err(format!("`{text}` is no number of pixels; give height and width as in 224,320, or one number for both"))
        }
    };
    match text.split_once([',', 'x', '×']) {
        Some((height, width)) => Ok((side(height)?, side(width)?)),
        None => side(text).map(|side| (side, side)),
    }
}
