{
  "targets": [
    {
      "target_name": "vgpu_cuda",
      "sources": [
        "native/addon.cc",
        "native/completion.cc",
        "native/context.cc",
        "native/device_info.cc",
        "native/device_memory.cc",
        "native/driver.cc",
        "native/kernel.cc",
        "native/lane.cc",
        "native/launch_config.cc",
        "native/mailbox.cc",
        "native/mapping.cc",
        "native/module.cc",
        "native/pinned_memory.cc",
        "native/pipeline.cc",
        "native/reply.cc",
        "native/result_memory.cc",
        "native/stream.cc",
        "native/task_thread.cc",
        "native/values.cc",
        "native/vector_adder.cc",
        "native/vector_kernels.cc"
      ],
      "defines": ["NAPI_VERSION=8", "VGPU_SOURCE_HASH=\"<(vgpu_source_hash)\""],
      "cflags!": ["-fno-omit-frame-pointer"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-fexceptions",
        "-fvisibility=hidden",
        "-ffile-prefix-map=<(module_root_dir)=."
      ],
      "ldflags": [
        "-Wl,--exclude-libs,ALL",
        "-Wl,--build-id=none",
        "-Wl,-z,nodelete",
        "-s"
      ],
      "libraries": ["-ldl", "-pthread"],
      "conditions": [["OS!='linux'", { "type": "none", "sources": [] }]]
    }
  ]
}
