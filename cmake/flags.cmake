# Flags for all presets. What goes to BoringSSL and llhttp is settled before: they are libraries.

# The presets make warnings errors; other people's headers come in as system headers, without any.
add_library(gatehouse_flags INTERFACE)
target_compile_options(gatehouse_flags INTERFACE -Wall -Wextra -Wpedantic)
target_compile_definitions(gatehouse_flags INTERFACE GATEHOUSE_VERSION="${PROJECT_VERSION}")
add_compile_options(-fno-omit-frame-pointer -fvisibility=hidden)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  string(REGEX MATCH "^[0-9]+" clang "${CMAKE_CXX_COMPILER_VERSION}")
  find_program(LLD NAMES "ld.lld-${clang}" ld.lld)
  if(LLD)
    add_link_options("-fuse-ld=${LLD}" -Wl,--gc-sections)
  endif()
  add_compile_options(-ffunction-sections -fdata-sections
    "SHELL:-Xclang -fno-pch-timestamp")  # with a time inside, a precompiled header is never cached
else()
  # GCC 12 loses track of strings, of std::expected and of coroutine frames through its own inlining,
  # and then warns of what cannot be; clang and the sanitizers watch for these. Of several sources in
  # one file it takes each for a header, in which an anonymous namespace would be a fault.
  target_compile_options(gatehouse_flags INTERFACE -Wno-array-bounds -Wno-maybe-uninitialized
    -Wno-mismatched-new-delete -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-subobject-linkage)
endif()

# What looks for use after free must see coroutine frames go (frames.h): sanitizers, and GCC's tests.
if(GATEHOUSE_SANITIZE OR CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_definitions(GATEHOUSE_FRAMES_BY_MALLOC)
endif()
if(GATEHOUSE_SANITIZE)
  add_compile_options("-fsanitize=${GATEHOUSE_SANITIZE}" -fno-sanitize-recover=undefined)
  # These look at every access through a pointer, a quarter of what UBSan's code takes to compile and
  # run. ASan, and a page at address 0 that nobody may touch, find nearly all that they would.
  add_compile_options(-fno-sanitize=alignment,null,object-size,vptr)
  add_link_options("-fsanitize=${GATEHOUSE_SANITIZE}")
endif()
if(GATEHOUSE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage feedback
endif()
if(GATEHOUSE_LTO)
  # For the program. Objects hold machine code too, which all else is linked from: to put each test
  # together anew would take longer than to compile it.
  add_compile_options(-flto=thin -ffat-lto-objects)
  set(GATEHOUSE_WITHOUT_LTO -fno-lto -fno-fat-lto-objects)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "${CCACHE}")
endif()
