#include "site/method.h"

namespace belay::site {

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
    if (method == methods.end())
        return fail(ErrorKind::not_found, fmt::format("belayd knows no method {}", name));
    if (caller.right < method->second.right)
        return std::unexpected(not_allowed(caller, method->second.right));
    return &method->second;
}

}  // namespace belay::site
