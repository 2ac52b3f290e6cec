#include "framework/configuration/author.h"

#include "operation/journal.h"

namespace belay::framework::configuration {

Result<Author> author_of(store::Store& store, host::Host& host, const Json& arguments)
{
    const host::Moment now = TRY(host.now());
    Author author{.at_ms = now.wall.count()};
    const std::optional<operation::Id> holder = TRY(operation::holder_of(store, arguments.value("lock", "")));
    if (!holder) return author;
    const operation::Asker asker = TRY(operation::asker_of(store, *holder));
    author.who = asker.user;
    author.origin = asker.origin;
    author.why = asker.why;
    author.operation = *holder;
    return author;
}

}  // namespace belay::framework::configuration
