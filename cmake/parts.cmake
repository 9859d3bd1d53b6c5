# What gatehouse is built from: found, checked, printed, and given as imported targets parts::*.

find_package(Threads REQUIRED)

function(gatehouse_part_missing what how)
  message(FATAL_ERROR "${what}\n  ${how}\n  (./dev setup installs and builds everything)")
endfunction()

# --- BoringSSL ---------------------------------------------------------------------------------
set(boringssl_base "${GATEHOUSE_BORINGSSL_DIR}/include/openssl/base.h")
if(NOT EXISTS "${boringssl_base}")
  gatehouse_part_missing("no BoringSSL in ${GATEHOUSE_BORINGSSL_DIR}"
    "give -DGATEHOUSE_BORINGSSL_DIR=… with include/ and lib/")
endif()
file(STRINGS "${boringssl_base}" is_boringssl REGEX "define OPENSSL_IS_BORINGSSL")
if(NOT is_boringssl)
  gatehouse_part_missing("${GATEHOUSE_BORINGSSL_DIR} holds OpenSSL's headers, not BoringSSL's"
    "gatehouse needs BoringSSL and never has OpenSSL in its process")
endif()
file(STRINGS "${boringssl_base}" boringssl_api REGEX "define BORINGSSL_API_VERSION")
string(REGEX REPLACE ".* " "" boringssl_api "${boringssl_api}")
set(boringssl_version "API ${boringssl_api}")
if(EXISTS "${GATEHOUSE_BORINGSSL_DIR}/VERSION")
  file(READ "${GATEHOUSE_BORINGSSL_DIR}/VERSION" package)
  string(STRIP "${package}" package)
  string(APPEND boringssl_version ", Debian ${package}")
endif()
find_library(BORINGSSL_SSL NAMES libssl.a ssl PATHS "${GATEHOUSE_BORINGSSL_DIR}/lib"
  REQUIRED NO_DEFAULT_PATH NO_CACHE)
find_library(BORINGSSL_CRYPTO NAMES libcrypto.a crypto PATHS "${GATEHOUSE_BORINGSSL_DIR}/lib"
  REQUIRED NO_DEFAULT_PATH NO_CACHE)
add_library(parts_boringssl INTERFACE)
add_library(parts::boringssl ALIAS parts_boringssl)
# Before every system folder: /usr/include may hold OpenSSL's headers under the same names.
target_include_directories(parts_boringssl SYSTEM BEFORE INTERFACE
  "${GATEHOUSE_BORINGSSL_DIR}/include")
target_link_libraries(parts_boringssl INTERFACE ${BORINGSSL_SSL} ${BORINGSSL_CRYPTO})
target_compile_definitions(parts_boringssl INTERFACE
  GATEHOUSE_BORINGSSL_VERSION="${boringssl_version}")

include(CheckCXXSourceCompiles)
unset(GATEHOUSE_HEADERS_ARE_BORINGSSL CACHE)  # asked anew: the path may be another one now
set(CMAKE_REQUIRED_INCLUDES "${GATEHOUSE_BORINGSSL_DIR}/include")
check_cxx_source_compiles("
  #include <openssl/ssl.h>
  #ifndef OPENSSL_IS_BORINGSSL
  #error these are OpenSSL's headers
  #endif
  int main() { return 0; }" GATEHOUSE_HEADERS_ARE_BORINGSSL)
unset(CMAKE_REQUIRED_INCLUDES)
if(NOT GATEHOUSE_HEADERS_ARE_BORINGSSL)
  gatehouse_part_missing("<openssl/ssl.h> does not compile as BoringSSL's"
    "OpenSSL's headers are refused; see CMakeFiles/CMakeError.log")
endif()

# --- llhttp ------------------------------------------------------------------------------------
set(llhttp_header "${GATEHOUSE_LLHTTP_DIR}/include/llhttp.h")
if(NOT EXISTS "${llhttp_header}")
  gatehouse_part_missing("no llhttp in ${GATEHOUSE_LLHTTP_DIR}"
    "give -DGATEHOUSE_LLHTTP_DIR=… with include/llhttp.h and lib/libllhttp.a")
endif()
foreach(part MAJOR MINOR PATCH)
  file(STRINGS "${llhttp_header}" line REGEX "define LLHTTP_VERSION_${part} ")
  string(REGEX REPLACE ".* " "" llhttp_${part} "${line}")
endforeach()
set(llhttp_version "${llhttp_MAJOR}.${llhttp_MINOR}.${llhttp_PATCH}")
if(llhttp_version VERSION_LESS 9.2)
  gatehouse_part_missing("llhttp ${llhttp_version} is too old: it accepts what it must refuse"
    "9.2 or newer is needed")
endif()
find_library(LLHTTP NAMES libllhttp.a llhttp PATHS "${GATEHOUSE_LLHTTP_DIR}/lib"
  REQUIRED NO_DEFAULT_PATH NO_CACHE)
add_library(parts_llhttp INTERFACE)
add_library(parts::llhttp ALIAS parts_llhttp)
target_include_directories(parts_llhttp SYSTEM INTERFACE "${GATEHOUSE_LLHTTP_DIR}/include")
target_link_libraries(parts_llhttp INTERFACE ${LLHTTP})

# --- nghttp2 -----------------------------------------------------------------------------------
find_path(NGHTTP2_INCLUDE nghttp2/nghttp2.h REQUIRED)
file(STRINGS "${NGHTTP2_INCLUDE}/nghttp2/nghttp2ver.h" nghttp2_version
  REGEX "define NGHTTP2_VERSION ")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" nghttp2_version "${nghttp2_version}")
if(nghttp2_version VERSION_LESS 1.52)
  gatehouse_part_missing("nghttp2 ${nghttp2_version} is too old" "1.52 or newer is needed")
endif()
find_library(NGHTTP2 NAMES nghttp2 REQUIRED NO_CACHE)
add_library(parts_nghttp2 INTERFACE)
add_library(parts::nghttp2 ALIAS parts_nghttp2)
target_include_directories(parts_nghttp2 SYSTEM INTERFACE "${NGHTTP2_INCLUDE}")
target_link_libraries(parts_nghttp2 INTERFACE ${NGHTTP2})

# --- libidn2, libpsl -----------------------------------------------------------------------------
# parts::NAME of a library without a CMake file of its own, and NAME_version of its header.
macro(gatehouse_plain_part name header version_macro)
  string(TOUPPER ${name} upper)
  find_path(${upper}_INCLUDE ${header} REQUIRED)
  file(STRINGS "${${upper}_INCLUDE}/${header}" ${name}_version REGEX "define ${version_macro} ")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" ${name}_version "${${name}_version}")
  find_library(${upper} NAMES ${name} REQUIRED NO_CACHE)
  add_library(parts_${name} INTERFACE)
  add_library(parts::${name} ALIAS parts_${name})
  target_include_directories(parts_${name} SYSTEM INTERFACE "${${upper}_INCLUDE}")
  target_link_libraries(parts_${name} INTERFACE ${${upper}})
endmacro()
gatehouse_plain_part(idn2 idn2.h IDN2_VERSION)
gatehouse_plain_part(psl libpsl.h PSL_VERSION)

# --- Boost, JSON, log, command line --------------------------------------------------------------
find_path(BOOST_INCLUDE boost/intrusive/list.hpp REQUIRED)
file(STRINGS "${BOOST_INCLUDE}/boost/version.hpp" boost_lib_version
  REGEX "define BOOST_LIB_VERSION")
string(REGEX REPLACE ".*\"([0-9_]+)\".*" "\\1" boost_version "${boost_lib_version}")
string(REPLACE "_" "." boost_version "${boost_version}")
if(boost_version VERSION_LESS 1.81)
  gatehouse_part_missing("Boost ${boost_version} is too old" "1.81 or newer is needed")
endif()
add_library(parts_boost INTERFACE)
add_library(parts::boost ALIAS parts_boost)
target_include_directories(parts_boost SYSTEM INTERFACE "${BOOST_INCLUDE}")
target_link_libraries(parts_boost INTERFACE Threads::Threads)

find_package(nlohmann_json 3.11 REQUIRED)
add_library(parts_json INTERFACE)
add_library(parts::json ALIAS parts_json)
target_link_libraries(parts_json INTERFACE nlohmann_json::nlohmann_json)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
add_library(parts_spdlog INTERFACE)
add_library(parts::spdlog ALIAS parts_spdlog)
# Header only, with fmt's library: the compiled spdlog would be one more shared object to ship.
target_compile_definitions(parts_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
target_link_libraries(parts_spdlog INTERFACE fmt::fmt)
find_package(CLI11 REQUIRED)
add_library(parts_cli INTERFACE)
add_library(parts::cli ALIAS parts_cli)
target_link_libraries(parts_cli INTERFACE CLI11::CLI11)

# Debian 12's libstdc++ has std::expected, and shows it to compilers whose concepts are complete.
check_cxx_source_compiles("
  #include <expected>
  int main() { return std::expected<int, int>(0).value(); }" GATEHOUSE_HAS_EXPECTED)
if(NOT GATEHOUSE_HAS_EXPECTED)
  gatehouse_part_missing("${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} has no std::expected"
    "clang 19 or GCC 12 with libstdc++ 12, or newer ones, are needed")
endif()

message(STATUS "gatehouse ${PROJECT_VERSION} is built with")
message(STATUS "  compiler   ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
message(STATUS "  BoringSSL  ${boringssl_version} (${GATEHOUSE_BORINGSSL_DIR})")
message(STATUS "  llhttp     ${llhttp_version} (${GATEHOUSE_LLHTTP_DIR})")
message(STATUS "  nghttp2    ${nghttp2_version}")
message(STATUS "  libidn2    ${idn2_version}")
message(STATUS "  libpsl     ${psl_version}")
message(STATUS "  Boost      ${boost_version}")
message(STATUS "  JSON       ${nlohmann_json_VERSION}, fmt ${fmt_VERSION}, spdlog ${spdlog_VERSION}, CLI11 ${CLI11_VERSION}")
