use super::*;
use crate::model::fixture::Fixture;

/// A network over images [1, channels, 56, 56] (or an open size) with metadata.
fn network(channels: i64, side: i64, metadata: &[(&str, &str)]) -> Network {
    let mut fixture = Fixture::new("x", &[1, channels, side, side]);
    fixture.conv("x", "c", [2, channels, 3, 3], vec![]).node("GlobalAveragePool", &["c"], "y", vec![]);
    for (key, text) in metadata {
        fixture.metadata(key, text);
    }
    fixture.output("y").load()
}

fn made(network: &Network, asked: &Preprocessing) -> Result<Recipe> {
    recipe(network, Some(asked), &|key, message| Error::input(format!("{}: {message}", key.key)))
}

fn option(value: &str) -> Option<Located<String>> {
    Some(Located::option("key", value.into()))
}

const TIMM: [(&str, &str); 3] = [("mean", "[0.5, 0.4, 0.3]"), ("std", "[0.2, 0.2, 0.2]"), ("crop_pct", "0.875")];

#[test]
fn what_the_user_says_goes_before_what_the_files_say() {
    let told = network(3, 56, &TIMM);
    let plain = made(&told, &Preprocessing::default()).unwrap();
    assert_eq!((plain.preprocess.mean[1], plain.preprocess.std[0], plain.assumed), (0.4, 0.2, false));
    assert_eq!(plain.preprocess.fit, FitMode::CentreCrop { shortest: 64 });
    let usual = "the division of bytes by 255 and the filter are not said there, and are the usual";
    assert_eq!(plain.origin, format!("from the model's metadata; {usual}"));
    // How it is fitted leaves the values alone.
    let stretched = made(&told, &Preprocessing { fit: option("stretch"), ..Preprocessing::default() }).unwrap();
    assert_eq!((stretched.preprocess.mean[1], stretched.preprocess.fit), (0.4, FitMode::Stretch));
    assert_eq!(stretched.origin, format!("from the model's metadata and the keys given; {usual}"));
    // Values, or a preset, start afresh.
    let scaled = made(&told, &Preprocessing { scale: Some(0.5), ..Preprocessing::default() }).unwrap();
    assert_eq!((scaled.preprocess.scale, scaled.preprocess.mean, scaled.preprocess.std), (0.5, vec![0.0], vec![1.0]));
    let asked = Preprocessing { preset: option("keras-±1"), shortest: Some(60), ..Preprocessing::default() };
    let asked = made(&told, &asked).unwrap();
    assert_eq!((asked.preprocess.mean[0], asked.preprocess.fit), (1.0, FitMode::CentreCrop { shortest: 60 }));
    assert_eq!(asked.origin, "from the preset keras-±1, as asked");
}

#[test]
fn without_a_word_the_assumption_is_named() {
    let silent = made(&network(3, 56, &[]), &Preprocessing::default()).unwrap();
    assert!(
        silent.assumed && silent.origin.starts_with("assumed to be the preset imagenet, as nothing says"),
        "{silent:?}"
    );
    let grey = made(&network(1, 56, &[]), &Preprocessing::default()).unwrap();
    assert!(grey.assumed && grey.preprocess.channels == Channels::Grey && grey.preprocess.fit == FitMode::Stretch);
}

#[test]
fn an_open_size_is_taken_from_the_user_then_from_the_files() {
    let open = network(3, -1, &TIMM);
    assert!(made(&open, &Preprocessing::default()).unwrap_err().to_string().contains("--size"));
    let size = |recipe: Recipe| (recipe.preprocess.size.height, recipe.preprocess.size.width);
    let given = Preprocessing { size: Some((64, 96)), ..Preprocessing::default() };
    assert_eq!(size(made(&open, &given).unwrap()), (64, 96));
    let named = network(3, -1, &[TIMM[0], TIMM[1], ("input_size", "[3, 48, 40]")]);
    assert_eq!(size(made(&named, &Preprocessing::default()).unwrap()), (48, 40));
    assert_eq!(size(made(&named, &given).unwrap()), (64, 96));
}

#[test]
fn channels_that_do_not_fit_are_refused() {
    let opacity = network(4, 56, &[]);
    let default = made(&opacity, &Preprocessing::default()).unwrap().preprocess;
    assert_eq!((default.channels, default.value(255.0, 3)), (Channels::Rgba, 1.0), "opacity is only scaled");
    let three = Preprocessing { mean: Some(vec![0.1, 0.2, 0.3]), ..Preprocessing::default() };
    assert_eq!(made(&opacity, &three).unwrap().preprocess.value(255.0, 3), 1.0);
    assert!(made(&opacity, &Preprocessing { bgr: Some(true), ..Preprocessing::default() }).is_err());
    assert!(made(&opacity, &Preprocessing { preset: option("caffe-bgr"), ..Preprocessing::default() }).is_err());
    let two = Preprocessing { std: Some(vec![0.1, 0.2]), ..Preprocessing::default() };
    assert!(made(&network(3, 56, &[]), &two).unwrap_err().to_string().contains("`std` has 2 values; the input has 3"));
    assert_eq!(made(&network(2, 56, &[]), &Preprocessing::default()).unwrap().preprocess.channels, Channels::Bands(2));
    let colours = Preprocessing { preset: option("imagenet"), ..Preprocessing::default() };
    assert!(made(&network(6, 56, &[]), &colours).unwrap_err().to_string().contains("the network takes 6 channels"));
    let grey = Preprocessing { bgr: Some(true), ..Preprocessing::default() };
    assert_eq!(made(&network(1, 56, &[]), &grey).unwrap().preprocess.channels, Channels::Grey);
}

#[test]
fn unknown_words_are_refused_by_their_key() {
    let refused = |keys: Preprocessing| made(&network(3, 56, &[]), &keys).unwrap_err().to_string();
    let preset = refused(Preprocessing { preset: option("imagnet"), ..Preprocessing::default() });
    assert!(
        preset.starts_with("key: `imagnet` is none of") && preset.ends_with("did you mean `imagenet`?"),
        "{preset}"
    );
    assert!(
        refused(Preprocessing { fit: option("pad"), ..Preprocessing::default() })
            .contains("none of stretch, crop, letterbox")
    );
    assert!(refused(Preprocessing { filter: option("cubic"), ..Preprocessing::default() }).contains("lanczos3"));
}

#[test]
fn the_sentence_says_every_step() {
    let asked = Preprocessing { preset: option("imagenet"), ..Preprocessing::default() };
    assert_eq!(
        sentence(&made(&network(3, 56, &[]), &asked).unwrap()),
        "56×56 pixels, shortest side to 64 pixels and the centre cut out (triangle filter), RGB, byte × 0.003922, \
         less 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225; from the preset imagenet, as asked"
    );
    let asked = Preprocessing { preset: option("keras-pm1"), ..Preprocessing::default() };
    assert_eq!(
        sentence(&made(&network(1, 56, &[]), &asked).unwrap()),
        "56×56 pixels, stretched (triangle filter), grey, byte × 0.007843, less 1; from the preset keras-pm1, as asked"
    );
}

#[test]
fn small_means_and_deviations_are_meant_for_values_of_0_to_1() {
    let network = network(3, 56, &[]);
    let given = |mean: &[f64], std: &[f64]| Preprocessing {
        mean: Some(mean.to_vec()),
        std: Some(std.to_vec()),
        ..Preprocessing::default()
    };
    let torch = made(&network, &given(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225])).unwrap();
    assert!((torch.preprocess.value(255.0, 0) - (1.0 - 0.485) / 0.229).abs() < 1e-12);
    assert!(!torch.assumed && torch.origin.contains("so bytes are divided by 255 first"), "{torch:?}");
    let bytes = made(&network, &given(&[123.675, 116.28, 103.53], &[58.395, 57.12, 57.375])).unwrap();
    assert_eq!((bytes.preprocess.scale, bytes.assumed), (1.0, false));
    // Numbers of both kinds are a doubt that is said.
    let mixed = made(&network, &given(&[0.485, 0.456, 0.406], &[58.395, 57.12, 57.375])).unwrap();
    assert!(mixed.assumed && mixed.preprocess.scale == 1.0, "{mixed:?}");
    let scaled = Preprocessing { scale: Some(1.0), ..given(&[0.5], &[0.5]) };
    assert_eq!(made(&network, &scaled).unwrap().preprocess.scale, 1.0, "what is said is done");
}

#[test]
fn windows_bands_and_letterboxes_are_keys() {
    let network = network(13, 56, &[]);
    let asked = Preprocessing { range: option("0,4095"), show: option("4,3,2"), ..Preprocessing::default() };
    let recipe = made(&network, &asked).unwrap();
    assert_eq!(recipe.preprocess.show, [3, 2, 1]);
    let said = sentence(&recipe);
    assert!(said.contains("13 bands (bands 4, 3 and 2 are shown as red, green and blue)"), "{said}");
    assert!(said.contains("the file's values 0 to 4095 spread over 0 to 255, byte × 0.003922"), "{said}");
    let refused = |keys: Preprocessing| made(&network, &keys).unwrap_err().to_string();
    assert!(refused(Preprocessing { show: option("0,1,2"), ..Preprocessing::default() }).contains("of 1 to 13"));
    assert!(refused(Preprocessing { show: option("1,2"), ..Preprocessing::default() }).contains("as in 3,2,1"));
    assert!(refused(Preprocessing { range: option("4095"), ..Preprocessing::default() }).starts_with("key: `4095`"));
    let pad = Some(Located::option("pad", 0));
    let boxed = Preprocessing { fit: option("letterbox"), pad: pad.clone(), ..Preprocessing::default() };
    assert_eq!(made(&network, &boxed).unwrap().preprocess.fit, FitMode::Letterbox { pad: 0 });
    assert_eq!(refused(Preprocessing { pad, ..Preprocessing::default() }), "pad: goes with the fit letterbox");
}
