{
  "targets": [
    {
      "target_name": "vgpu_linux",
      "sources": [
        "native/addon.cc",
        "native/disposal.cc",
        "native/files.cc",
        "native/inotify.cc",
        "native/notify.cc",
        "native/registers.cc",
        "native/status.cc"
      ],
      "defines": ["NAPI_VERSION=8", "VGPU_SOURCE_HASH=\"<(vgpu_source_hash)\""],
      "cflags!": ["-fno-omit-frame-pointer"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-fvisibility=hidden",
        "-ffile-prefix-map=<(module_root_dir)=."
      ],
      "ldflags": [
        "-Wl,--exclude-libs,ALL",
        "-Wl,--build-id=none",
        "-Wl,-z,nodelete",
        "-s"
      ],
      "conditions": [["OS!='linux'", { "type": "none", "sources": [] }]]
    }
  ]
}
