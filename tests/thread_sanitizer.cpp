#ifdef BELAY_SANITIZE_THREAD
/// Debian's gRPC, Abseil and Protocol Buffers are not made for the thread sanitizer: it sees what they do to
/// memory by way of the C library, and not how their threads wait for each other. So it looks away while they
/// are at work, and tells no race of which one side is in them or in what their headers put into our
/// programs. One between two places of ours is told. OpenSSL is seen by way of gRPC alone. The sanitizer
/// gives the name, and wants each library by itself.
// NOLINTNEXTLINE(readability-identifier-naming, bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions()
{
    return "called_from_lib:libgrpc.so\n"
           "called_from_lib:libgrpc++.so\n"
           "called_from_lib:libgpr.so\n"
           "called_from_lib:libprotobuf.so\n"
           "called_from_lib:libcares.so\n"
           "called_from_lib:libabsl_synchronization.so\n"
           "called_from_lib:libabsl_graphcycles_internal.so\n"
           "called_from_lib:libabsl_malloc_internal.so\n"
           "called_from_lib:libabsl_status.so\n"
           "called_from_lib:libabsl_statusor.so\n"
           "called_from_lib:libabsl_strings.so\n"
           "called_from_lib:libabsl_str_format_internal.so\n"
           "called_from_lib:libabsl_cord.so\n"
           "called_from_lib:libabsl_cord_internal.so\n"
           "called_from_lib:libabsl_raw_hash_set.so\n"
           "race:libcrypto\n"
           "race:libssl\n"
           "race:libgrpc\n"
           "race:libgpr\n"
           "race:libabsl_\n"
           "race:libprotobuf\n"
           "race:^grpc::\n"
           "race:^google::protobuf::\n";
}
#endif
