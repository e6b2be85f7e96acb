//! What the text that savers write into pictures for model sites says of models: short
//! digests by kind and name.

use comfy_media::A1111Parameters;

use crate::platform::machine::{Digest, DigestKind};
use crate::records::dependencies::Dependencies;

/// Adds the digests that a picture's parameters state to the models that it names.
pub(crate) fn add_parameter_claims(named: &mut Dependencies, parameters: &A1111Parameters) {
    let mut stated = parameters.hashes();
    if let (Some(name), Some(hash)) = (parameters.model(), parameters.model_hash()) {
        stated.push((format!("model:{name}"), hash.to_owned()));
    }
    for model in &mut named.models {
        let kind = match model.folder.as_str() {
            "loras" => "lora",
            "embeddings" => "embed",
            "checkpoints" | "diffusion_models" => "model",
            _ => continue,
        };
        let own = model_stem(&model.name);
        for (of, hash) in &stated {
            // `model` alone is the one that the text names.
            let (of, name) = match of.split_once(':') {
                Some((of, name)) => (of, name),
                None => (of.as_str(), parameters.model().unwrap_or_default()),
            };
            if of.eq_ignore_ascii_case(kind) && model_stem(name) == own {
                model.claims.hashes.extend(digest_by_length(hash));
            }
        }
    }
}

/// The digits say by their number what they are of.
fn digest_by_length(hex: &str) -> Option<Digest> {
    let kinds = [DigestKind::Sha256, DigestKind::AutoV2, DigestKind::AutoV3];
    let kind = kinds.into_iter().find(|kind| kind.digits() == hex.trim().len())?;
    Digest::new(kind, hex).ok()
}

/// The name without folders and ending.
fn model_stem(name: &str) -> &str {
    const ENDINGS: [&str; 6] = [".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".sft"];
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{ModelClaims, ModelEvidence, ModelUse};

    #[test]
    fn short_digests_go_to_the_models_they_are_of() {
        let text = "a fox\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 8x8, Model hash: 31e35c80fc, \
            Model: xl, Hashes: {\"LORA:grain\": \"abcdef0123\", \"embed:neg\": \"0123456789ab\", \"model\": \"31e35c80fc\"}";
        let parameters = A1111Parameters::parse(text).unwrap();
        let model = |folder: &str, name: &str| ModelUse {
            folder: folder.into(),
            name: name.into(),
            by: ModelEvidence::Catalog,
            at: Vec::new(),
            claims: ModelClaims::default(),
        };
        let mut named = Dependencies {
            models: vec![
                model("checkpoints", "sd\\xl.safetensors"),
                model("loras", "looks/grain.safetensors"),
                model("loras", "other.safetensors"),
                model("embeddings", "neg"),
                model("vae", "xl.safetensors"),
            ],
            classes: Vec::new(),
        };
        add_parameter_claims(&mut named, &parameters);
        let told: Vec<String> = named
            .models
            .iter()
            .map(|model| model.claims.hashes.iter().map(ToString::to_string).collect())
            .collect();
        let wanted = ["autov2:31e35c80fc", "autov2:abcdef0123", "", "autov3:0123456789ab", ""];
        assert_eq!(told, wanted);
    }
}
