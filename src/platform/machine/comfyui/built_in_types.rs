//! The model folder types that ComfyUI has built in, as `folder_paths.py` of 0.33.0
//! registers them. The search order of two folders of one type is ComfyUI's own: the
//! first that has the file wins.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuiltInOffer {
    /// Files with one of [`MODEL_ENDINGS`].
    Models,
    /// Files with this ending alone.
    Ending(&'static str),
    /// Files without an ending.
    NoEnding,
    /// Folders (the diffusers layout).
    Folders,
}

/// The endings of weights, lower case, as `supported_pt_extensions` has them.
pub(crate) const MODEL_ENDINGS: &[&str] =
    &[".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"];

/// Type, folders below the models folder in search order, what is offered.
pub(crate) const BUILT_IN_TYPES: &[(&str, &[&str], BuiltInOffer)] = &[
    ("checkpoints", &["checkpoints"], BuiltInOffer::Models),
    ("configs", &["configs"], BuiltInOffer::Ending(".yaml")),
    ("loras", &["loras"], BuiltInOffer::Models),
    ("vae", &["vae"], BuiltInOffer::Models),
    ("text_encoders", &["text_encoders", "clip"], BuiltInOffer::Models),
    ("diffusion_models", &["unet", "diffusion_models"], BuiltInOffer::Models),
    ("clip_vision", &["clip_vision"], BuiltInOffer::Models),
    ("style_models", &["style_models"], BuiltInOffer::Models),
    ("embeddings", &["embeddings"], BuiltInOffer::Models),
    ("diffusers", &["diffusers"], BuiltInOffer::Folders),
    ("vae_approx", &["vae_approx"], BuiltInOffer::Models),
    ("controlnet", &["controlnet", "t2i_adapter"], BuiltInOffer::Models),
    ("gligen", &["gligen"], BuiltInOffer::Models),
    ("upscale_models", &["upscale_models"], BuiltInOffer::Models),
    ("latent_upscale_models", &["latent_upscale_models"], BuiltInOffer::Models),
    ("hypernetworks", &["hypernetworks"], BuiltInOffer::Models),
    ("photomaker", &["photomaker"], BuiltInOffer::Models),
    ("classifiers", &["classifiers"], BuiltInOffer::NoEnding),
    ("model_patches", &["model_patches"], BuiltInOffer::Models),
    ("audio_encoders", &["audio_encoders"], BuiltInOffer::Models),
    ("background_removal", &["background_removal"], BuiltInOffer::Models),
    ("frame_interpolation", &["frame_interpolation"], BuiltInOffer::Models),
    ("geometry_estimation", &["geometry_estimation"], BuiltInOffer::Models),
    ("optical_flow", &["optical_flow"], BuiltInOffer::Models),
    ("detection", &["detection"], BuiltInOffer::Models),
];

/// Folders below the output folder that ComfyUI appends to a type at start, because its
/// own save nodes write models there.
pub(crate) const OUTPUT_FOLDERS: &[(&str, &str)] = &[
    ("checkpoints", "checkpoints"),
    ("text_encoders", "clip"),
    ("vae", "vae"),
    ("diffusion_models", "diffusion_models"),
    ("loras", "loras"),
];

/// Types that are no models, though `/internal/folder_paths` and the yaml file name them.
pub(crate) const NOT_MODELS: &[&str] = &["custom_nodes", "datasets"];

/// The type behind a name that older nodes, files and yaml sections use.
pub(crate) fn current_type_name(name: &str) -> &str {
    match name {
        "unet" => "diffusion_models",
        "clip" => "text_encoders",
        other => other,
    }
}
