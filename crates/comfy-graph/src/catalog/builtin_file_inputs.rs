//! Which inputs of the built-in classes name files, and in which folder: measured on a
//! running server with a marked file in every folder.

use super::file_inputs::BuiltinFolder;

/// Class, input, what it names. Sorted by class, then input.
pub(super) const BUILTIN_FILE_INPUTS: &[(&str, &str, BuiltinFolder)] = &[
    ("AudioEncoderLoader", "audio_encoder_name", BuiltinFolder::Models("audio_encoders")),
    ("CLIPLoader", "clip_name", BuiltinFolder::Models("text_encoders")),
    ("CLIPVisionLoader", "clip_name", BuiltinFolder::Models("clip_vision")),
    ("CheckpointLoader", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("CheckpointLoader", "config_name", BuiltinFolder::Models("configs")),
    ("CheckpointLoaderSimple", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("ControlNetLoader", "control_net_name", BuiltinFolder::Models("controlnet")),
    ("CreateHookLora", "lora_name", BuiltinFolder::Models("loras")),
    ("CreateHookLoraModelOnly", "lora_name", BuiltinFolder::Models("loras")),
    ("CreateHookModelAsLora", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("CreateHookModelAsLoraModelOnly", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("DiffControlNetLoader", "control_net_name", BuiltinFolder::Models("controlnet")),
    ("DiffusersLoader", "model_path", BuiltinFolder::Models("diffusers")),
    ("DualCLIPLoader", "clip_name1", BuiltinFolder::Models("text_encoders")),
    ("DualCLIPLoader", "clip_name2", BuiltinFolder::Models("text_encoders")),
    ("FrameInterpolationModelLoader", "model_name", BuiltinFolder::Models("frame_interpolation")),
    ("GLIGENLoader", "gligen_name", BuiltinFolder::Models("gligen")),
    ("HypernetworkLoader", "hypernetwork_name", BuiltinFolder::Models("hypernetworks")),
    ("ImageOnlyCheckpointLoader", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("LTXAVTextEncoderLoader", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("LTXAVTextEncoderLoader", "text_encoder", BuiltinFolder::Models("text_encoders")),
    ("LTXVAudioVAELoader", "ckpt_name", BuiltinFolder::Models("checkpoints")),
    ("LatentUpscaleModelLoader", "model_name", BuiltinFolder::Models("latent_upscale_models")),
    ("Load3D", "model_file", BuiltinFolder::Input("3d")),
    ("Load3DAdvanced", "model_file", BuiltinFolder::Input("3d")),
    ("LoadAudio", "audio", BuiltinFolder::Input("")),
    ("LoadBackgroundRemovalModel", "bg_removal_name", BuiltinFolder::Models("background_removal")),
    ("LoadDA3Model", "model_name", BuiltinFolder::Models("geometry_estimation")),
    ("LoadImage", "image", BuiltinFolder::Input("")),
    ("LoadImageMask", "image", BuiltinFolder::Input("")),
    ("LoadImageOutput", "image", BuiltinFolder::Output),
    ("LoadLatent", "latent", BuiltinFolder::Input("")),
    ("LoadMediaPipeFaceLandmarker", "model_name", BuiltinFolder::Models("detection")),
    ("LoadMoGeModel", "model_name", BuiltinFolder::Models("geometry_estimation")),
    ("LoadVideo", "file", BuiltinFolder::Input("")),
    ("LoraLoader", "lora_name", BuiltinFolder::Models("loras")),
    ("LoraLoaderBypass", "lora_name", BuiltinFolder::Models("loras")),
    ("LoraLoaderBypassModelOnly", "lora_name", BuiltinFolder::Models("loras")),
    ("LoraLoaderModelOnly", "lora_name", BuiltinFolder::Models("loras")),
    ("ModelPatchLoader", "name", BuiltinFolder::Models("model_patches")),
    ("OpticalFlowLoader", "model_name", BuiltinFolder::Models("optical_flow")),
    ("PhotoMakerLoader", "photomaker_model_name", BuiltinFolder::Models("photomaker")),
    ("QuadrupleCLIPLoader", "clip_name1", BuiltinFolder::Models("text_encoders")),
    ("QuadrupleCLIPLoader", "clip_name2", BuiltinFolder::Models("text_encoders")),
    ("QuadrupleCLIPLoader", "clip_name3", BuiltinFolder::Models("text_encoders")),
    ("QuadrupleCLIPLoader", "clip_name4", BuiltinFolder::Models("text_encoders")),
    ("StyleModelLoader", "style_model_name", BuiltinFolder::Models("style_models")),
    ("TrainLoraNode", "existing_lora", BuiltinFolder::Models("loras")),
    ("TripleCLIPLoader", "clip_name1", BuiltinFolder::Models("text_encoders")),
    ("TripleCLIPLoader", "clip_name2", BuiltinFolder::Models("text_encoders")),
    ("TripleCLIPLoader", "clip_name3", BuiltinFolder::Models("text_encoders")),
    ("UNETLoader", "unet_name", BuiltinFolder::Models("diffusion_models")),
    ("UpscaleModelLoader", "model_name", BuiltinFolder::Models("upscale_models")),
    ("VAELoader", "vae_name", BuiltinFolder::Models("vae")),
    ("unCLIPCheckpointLoader", "ckpt_name", BuiltinFolder::Models("checkpoints")),
];

/// Values of `VAELoader.vae_name` that are no files: what they stand for lies in
/// `vae_approx`, as an encoder and a decoder, or nowhere.
pub(super) const VIRTUAL_VAES: [&str; 5] = ["pixel_space", "taef1", "taesd", "taesd3", "taesdxl"];

/// What a built-in class names with an input.
pub(super) fn builtin_folder(class: &str, input: &str) -> Option<BuiltinFolder> {
    let at =
        BUILTIN_FILE_INPUTS.binary_search_by(|(c, i, _)| (*c, *i).cmp(&(class, input))).ok()?;
    Some(BUILTIN_FILE_INPUTS[at].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_inputs_that_exist() {
        assert!(BUILTIN_FILE_INPUTS.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        for (class, input, _) in BUILTIN_FILE_INPUTS {
            let class = super::super::core::core_class(class).unwrap();
            assert!(class.input(input).is_some(), "{}.{input}", class.name);
        }
    }
}
