{
  "targets": [
    {
      "target_name": "vgpu_spool",
      "sources": [
        "addon.cc",
        "disposal.cc",
        "files.cc",
        "notify.cc",
        "process.cc",
        "../../vm-client/native/inotify.cc"
      ],
      "include_dirs": ["../../vm-client/native"],
      "defines": [
        "NAPI_VERSION=8",
        "VGPU_WATCHED_PREFIX=\"request\"",
        "VGPU_SOURCE_HASH=\"<!(node ../scripts/source-hash.mjs)\""
      ],
      "cflags!": ["-fno-omit-frame-pointer"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-fvisibility=hidden",
        "-ffile-prefix-map=<(module_root_dir)/../..=."
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
