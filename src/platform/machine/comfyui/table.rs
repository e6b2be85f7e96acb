//! The model folder types that ComfyUI has built in, as `folder_paths.py` of 0.33.0
//! registers them. The search order of two folders of one type is ComfyUI's own: the
//! first that has the file wins.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offers {
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
pub(crate) const BUILT_IN: &[(&str, &[&str], Offers)] = &[
    ("checkpoints", &["checkpoints"], Offers::Models),
    ("configs", &["configs"], Offers::Ending(".yaml")),
    ("loras", &["loras"], Offers::Models),
    ("vae", &["vae"], Offers::Models),
    ("text_encoders", &["text_encoders", "clip"], Offers::Models),
    ("diffusion_models", &["unet", "diffusion_models"], Offers::Models),
    ("clip_vision", &["clip_vision"], Offers::Models),
    ("style_models", &["style_models"], Offers::Models),
    ("embeddings", &["embeddings"], Offers::Models),
    ("diffusers", &["diffusers"], Offers::Folders),
    ("vae_approx", &["vae_approx"], Offers::Models),
    ("controlnet", &["controlnet", "t2i_adapter"], Offers::Models),
    ("gligen", &["gligen"], Offers::Models),
    ("upscale_models", &["upscale_models"], Offers::Models),
    ("latent_upscale_models", &["latent_upscale_models"], Offers::Models),
    ("hypernetworks", &["hypernetworks"], Offers::Models),
    ("photomaker", &["photomaker"], Offers::Models),
    ("classifiers", &["classifiers"], Offers::NoEnding),
    ("model_patches", &["model_patches"], Offers::Models),
    ("audio_encoders", &["audio_encoders"], Offers::Models),
    ("background_removal", &["background_removal"], Offers::Models),
    ("frame_interpolation", &["frame_interpolation"], Offers::Models),
    ("geometry_estimation", &["geometry_estimation"], Offers::Models),
    ("optical_flow", &["optical_flow"], Offers::Models),
    ("detection", &["detection"], Offers::Models),
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
pub(crate) fn current_name(name: &str) -> &str {
    match name {
        "unet" => "diffusion_models",
        "clip" => "text_encoders",
        other => other,
    }
}
