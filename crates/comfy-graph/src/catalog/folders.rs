//! Which inputs of the built-in classes name files, and in which folder: measured on a
//! running server with a marked file in every folder.

use super::files::Root;

/// Class, input, what it names. Sorted by class, then input.
pub(super) const FILES: &[(&str, &str, Root)] = &[
    ("AudioEncoderLoader", "audio_encoder_name", Root::Models("audio_encoders")),
    ("CLIPLoader", "clip_name", Root::Models("text_encoders")),
    ("CLIPVisionLoader", "clip_name", Root::Models("clip_vision")),
    ("CheckpointLoader", "ckpt_name", Root::Models("checkpoints")),
    ("CheckpointLoader", "config_name", Root::Models("configs")),
    ("CheckpointLoaderSimple", "ckpt_name", Root::Models("checkpoints")),
    ("ControlNetLoader", "control_net_name", Root::Models("controlnet")),
    ("CreateHookLora", "lora_name", Root::Models("loras")),
    ("CreateHookLoraModelOnly", "lora_name", Root::Models("loras")),
    ("CreateHookModelAsLora", "ckpt_name", Root::Models("checkpoints")),
    ("CreateHookModelAsLoraModelOnly", "ckpt_name", Root::Models("checkpoints")),
    ("DiffControlNetLoader", "control_net_name", Root::Models("controlnet")),
    ("DiffusersLoader", "model_path", Root::Models("diffusers")),
    ("DualCLIPLoader", "clip_name1", Root::Models("text_encoders")),
    ("DualCLIPLoader", "clip_name2", Root::Models("text_encoders")),
    ("FrameInterpolationModelLoader", "model_name", Root::Models("frame_interpolation")),
    ("GLIGENLoader", "gligen_name", Root::Models("gligen")),
    ("HypernetworkLoader", "hypernetwork_name", Root::Models("hypernetworks")),
    ("ImageOnlyCheckpointLoader", "ckpt_name", Root::Models("checkpoints")),
    ("LTXAVTextEncoderLoader", "ckpt_name", Root::Models("checkpoints")),
    ("LTXAVTextEncoderLoader", "text_encoder", Root::Models("text_encoders")),
    ("LTXVAudioVAELoader", "ckpt_name", Root::Models("checkpoints")),
    ("LatentUpscaleModelLoader", "model_name", Root::Models("latent_upscale_models")),
    ("Load3D", "model_file", Root::Input("3d")),
    ("Load3DAdvanced", "model_file", Root::Input("3d")),
    ("LoadAudio", "audio", Root::Input("")),
    ("LoadBackgroundRemovalModel", "bg_removal_name", Root::Models("background_removal")),
    ("LoadDA3Model", "model_name", Root::Models("geometry_estimation")),
    ("LoadImage", "image", Root::Input("")),
    ("LoadImageMask", "image", Root::Input("")),
    ("LoadImageOutput", "image", Root::Output),
    ("LoadLatent", "latent", Root::Input("")),
    ("LoadMediaPipeFaceLandmarker", "model_name", Root::Models("detection")),
    ("LoadMoGeModel", "model_name", Root::Models("geometry_estimation")),
    ("LoadVideo", "file", Root::Input("")),
    ("LoraLoader", "lora_name", Root::Models("loras")),
    ("LoraLoaderBypass", "lora_name", Root::Models("loras")),
    ("LoraLoaderBypassModelOnly", "lora_name", Root::Models("loras")),
    ("LoraLoaderModelOnly", "lora_name", Root::Models("loras")),
    ("ModelPatchLoader", "name", Root::Models("model_patches")),
    ("OpticalFlowLoader", "model_name", Root::Models("optical_flow")),
    ("PhotoMakerLoader", "photomaker_model_name", Root::Models("photomaker")),
    ("QuadrupleCLIPLoader", "clip_name1", Root::Models("text_encoders")),
    ("QuadrupleCLIPLoader", "clip_name2", Root::Models("text_encoders")),
    ("QuadrupleCLIPLoader", "clip_name3", Root::Models("text_encoders")),
    ("QuadrupleCLIPLoader", "clip_name4", Root::Models("text_encoders")),
    ("StyleModelLoader", "style_model_name", Root::Models("style_models")),
    ("TrainLoraNode", "existing_lora", Root::Models("loras")),
    ("TripleCLIPLoader", "clip_name1", Root::Models("text_encoders")),
    ("TripleCLIPLoader", "clip_name2", Root::Models("text_encoders")),
    ("TripleCLIPLoader", "clip_name3", Root::Models("text_encoders")),
    ("UNETLoader", "unet_name", Root::Models("diffusion_models")),
    ("UpscaleModelLoader", "model_name", Root::Models("upscale_models")),
    ("VAELoader", "vae_name", Root::Models("vae")),
    ("unCLIPCheckpointLoader", "ckpt_name", Root::Models("checkpoints")),
];

/// Values of `VAELoader.vae_name` that are no files: what they stand for lies in
/// `vae_approx`, as an encoder and a decoder, or nowhere.
pub(super) const VIRTUAL_VAES: [&str; 5] = ["pixel_space", "taef1", "taesd", "taesd3", "taesdxl"];

/// What a built-in class names with an input.
pub(super) fn builtin(class: &str, input: &str) -> Option<Root> {
    let at = FILES.binary_search_by(|(c, i, _)| (*c, *i).cmp(&(class, input))).ok()?;
    Some(FILES[at].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_inputs_that_exist() {
        assert!(FILES.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        for (class, input, _) in FILES {
            let class = super::super::core::class(class).unwrap();
            assert!(class.input(input).is_some(), "{}.{input}", class.name);
        }
    }
}
