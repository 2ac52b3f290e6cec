#include "site/method.h"

namespace belay::site {
namespace {

/// What there is on controllers alone, for everybody to know whom to ask.
bool is_of_controllers(std::string_view method)
{
    return method.starts_with("Host") || method.starts_with("Account");
}

}  // namespace

Error not_allowed(const Caller& caller, Right wanted)
{
    const std::string what = caller.right == Right::view
                                 ? fmt::format("{} may look here, and change nothing", caller.user)
                                 : fmt::format("{} may {} here, and this is for those who may {}",
                                               caller.user, name_of(caller.right), name_of(wanted));
    return Error{.kind = ErrorKind::permission, .what = what, .next = caller.more_by};
}

Result<const Method*> find_method(const Methods& methods, std::string_view name, const Caller& caller)
{
    const auto method = methods.find(name);
    if (method == methods.end() && is_of_controllers(name))
        return fail(ErrorKind::refused, "this machine is no controller of a site",
                    "the same on a controller, or with --site NAME");
    if (method == methods.end())
        return fail(ErrorKind::not_found, fmt::format("belayd knows no method {}", name));
    if (caller.right < method->second.right)
        return std::unexpected(not_allowed(caller, method->second.right));
    return &method->second;
}

}  // namespace belay::site
