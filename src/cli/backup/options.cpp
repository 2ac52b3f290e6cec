#include "cli/backup/options.h"

#include <CLI/App.hpp>

namespace belay::cli {

void OptionTable::flag(const char* names, bool& value, const char* meaning)
{
    app_.add_flag(names, value, meaning);
}

void OptionTable::count(const char* names, unsigned& value, const char* meaning)
{
    app_.add_flag(names, value, meaning);
}

void OptionTable::value(const char* names, std::string& value, const char* type, const char* meaning)
{
    app_.add_option(names, value, meaning)->type_name(type);
}

void OptionTable::values(const char* names, std::vector<std::string>& value, const char* type,
                         const char* meaning)
{
    app_.add_option(names, value, meaning)->type_name(type)->allow_extra_args(false);
}

void OptionTable::word(const char* name, std::string& value, const char* meaning)
{
    app_.add_option(name, value, meaning)->type_name("");
}

void OptionTable::words(const char* name, std::vector<std::string>& value, const char* meaning)
{
    app_.add_option(name, value, meaning)->type_name("");
}

}  // namespace belay::cli
