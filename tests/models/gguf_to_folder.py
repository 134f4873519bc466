"""Makes a Hugging Face folder in f16 of a GGUF model, with transformers' own reading of GGUF.

    python gguf_to_folder.py MODEL.gguf FOLDER

The folder is an independent reading of the file: what Nudge reads from the GGUF is compared with it, and the programs
Nudge is measured beside open it. Weights are what the blocks say, rounded to f16 once; a block's value can lie between
two f16 numbers, so the folder and the file may differ in the last bit.
"""

import sys
from pathlib import Path

import torch
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast

# What describes the file that the weights came in, not the folder they go to.
OF_THE_FILE = ("quantization_config", "_name_or_path", "_model_name_or_path")


def main(file: Path, folder: Path) -> None:
    where = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    read = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    # A model that transformers dequantised refuses to change its precision: a fresh one takes the numbers.
    settings = {key: value for key, value in read.config.to_dict().items() if key not in OF_THE_FILE}
    # Read as f32 from the file, 1e-5 is 9.999999747378752e-06; nothing is lost by the short form.
    settings["rms_norm_eps"] = float(f"{settings['rms_norm_eps']:.6g}")
    config = AutoConfig.for_model(**settings)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
    model.load_state_dict(read.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(**where)
    if GGUFReader(file).get_field("tokenizer.ggml.pre").contents() == "smollm":
        split_digits(tokenizer)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    print(f"{folder}: {sum(weight.numel() for weight in model.parameters()):,} parameters in f16")


def split_digits(tokenizer: PreTrainedTokenizerFast) -> None:
    """Every digit is a piece of its own in SmolLM's tokenizer; transformers does not read that from a GGUF.

    It shows where two spaces come before a number.
    """
    bytes_as_letters = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_as_letters])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
