"""Writes a GGUF in several files, as llama.cpp's own package writes a model with `--split-max-tensors`.

    python split_gguf.py FILE.gguf FOLDER TENSORS

puts `FOLDER/FILE-00001-of-0000N.gguf` and so on, with at most TENSORS tensors each. `split/` is what it makes of
`../browser/fixtures/tiny.gguf` with 8. Needs the packages `gguf` and `numpy` of requirements.txt.
"""

import sys
from pathlib import Path

from gguf import GGUFReader, GGUFValueType, GGUFWriter

ITS_OWN = {"GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture"}


def main():
    source, folder, tensors = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    folder.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(folder / source.name, architecture, split_max_tensors=tensors)
    for name, field in reader.fields.items():
        if name not in ITS_OWN:
            inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
