# belay_proto(<target> FILES <path in proto/>...)
#
# Compiles .proto files into the static library <target>: messages and gRPC stubs. A user links <target>, and includes
# what was made by its path in proto/, in as few sources as possible, for gRPC's headers take seconds to compile:
#
#     belay_proto(belay_proto_etcd FILES etcd/rpc.proto)
#     #include <etcd/rpc.pb.h>            the messages
#     #include <etcd/rpc.grpc.pb.h>       the stubs, with all of gRPC
#
# One .proto imports another by its path in proto/. What is made is not ours to style: no warnings of ours, no
# clang-tidy (its headers are system headers; tests/style/tidy leaves build/*/proto/ out).

find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
pkg_check_modules(PROTOBUF REQUIRED IMPORTED_TARGET protobuf)
find_package(absl REQUIRED COMPONENTS synchronization) # gRPC's headers have code of it inline
find_library(GRPCPP_LIBRARY grpc++ REQUIRED)
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)

function(belay_proto target)
    cmake_parse_arguments(PROTO "" "" "FILES" ${ARGN})
    set(made ${CMAKE_BINARY_DIR}/proto)
    set(sources "")
    foreach(file ${PROTO_FILES})
        string(REGEX REPLACE "\\.proto$" "" name ${file})
        set(outputs ${made}/${name}.pb.cc ${made}/${name}.pb.h ${made}/${name}.grpc.pb.cc ${made}/${name}.grpc.pb.h)
        add_custom_command(
            OUTPUT ${outputs}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
            COMMAND ${PROTOC} --proto_path=${CMAKE_SOURCE_DIR}/proto --cpp_out=${made} --grpc_out=${made}
                    --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${file}
            DEPENDS ${CMAKE_SOURCE_DIR}/proto/${file}
            VERBATIM)
        list(APPEND sources ${made}/${name}.pb.cc ${made}/${name}.grpc.pb.cc)
    endforeach()
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} SYSTEM PUBLIC ${made})
    # Not for the thread sanitizer: its messages are handed between threads by libraries that it does not see.
    target_compile_options(${target} PRIVATE -w $<$<STREQUAL:${BELAY_SANITIZE},address>:-O1;-g1;-fsanitize=address>
                                                $<$<STREQUAL:${BELAY_SANITIZE},thread>:-O1;-g1>)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    target_link_libraries(${target} PUBLIC ${GRPCPP_LIBRARY} ${GRPC_LIBRARY} ${GPR_LIBRARY} PkgConfig::PROTOBUF
                          absl::synchronization)
endfunction()
