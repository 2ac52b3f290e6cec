// The commands about images.

#include "cli/parser.h"

namespace belay::cli {

void Parser::image_commands()
{
    group(image_, "image",
          "versions of a program, each in one signed file, and those that are installed here",
          "belay image build . --key key.pem");
    const auto library = [&](CLI::App& app) {
        app.add_option("--root", invocation_.root, "the library; /var/lib/belay-images unless told")
            ->type_name("FOLDER");
    };
    const auto keys = [&](CLI::App& app) {
        app.add_option("--keys", invocation_.keys,
                       "the public keys that are trusted; /etc/belay/image-keys unless told")
            ->type_name("FOLDER");
    };
    const auto key = [&](CLI::App& app) {
        app.add_option("--key", invocation_.key,
                       "the private key to sign with, which its owner alone may read")
            ->type_name("PEM");
    };
    const auto file = [&](CLI::App& app) {
        app.add_option("file", invocation_.target, "an image")->type_name("");
    };

    CLI::App* build = command(
        *image_, Command::image_build, "build", "make an image from a folder",
        "belay image build . --dry-run\n  belay image build shop/image.toml -o shop.image --key key.pem");
    build->add_option("source", invocation_.target, "an image.toml, or its folder")->type_name("");
    build->add_option("-o,--output", invocation_.file, "the image; NAME-VERSION.image unless told")
        ->type_name("FILE");
    key(*build);
    build->add_flag("--dry-run", invocation_.dry_run, "say what would be in it, and write nothing");
    CLI::App* pair =
        command(*image_, Command::image_key, "key", "make a private key, and the public one beside it",
                "belay image key release.pem");
    pair->add_option("file", invocation_.target, "a new file")->type_name("");
    CLI::App* sign = command(*image_, Command::image_sign, "sign", "sign an image, whatever signature it had",
                             "belay image sign shop-2.0.image --key release.pem");
    file(*sign);
    key(*sign);
    CLI::App* verify =
        command(*image_, Command::image_verify, "verify",
                "say whether an image, or an installed version, is whole and signed by a trusted key",
                "belay image verify shop-2.0.image --keys keys\n  belay image verify shop 2.0");
    verify
        ->add_option("image", invocation_.target,
                     "a file; or the name of what is installed, with its version")
        ->type_name("");
    verify->add_option("version", invocation_.name, "of what is installed")->type_name("");
    keys(*verify);
    library(*verify);
    CLI::App* show = command(*image_, Command::image_show, "show", "say what an image is, and list its files",
                             "belay image show shop-2.0.image");
    file(*show);
    keys(*show);
    CLI::App* list = command(*image_, Command::image_list, "list",
                             "the versions that are installed, and which of them run", "belay image list");
    library(*list);
    CLI::App* expand = command(*image_, Command::image_expand, "expand",
                               "verify an image and install it beside the others; nothing is started",
                               "belay image expand shop-2.0.image");
    file(*expand);
    keys(*expand);
    library(*expand);
    CLI::App* remove = command(*image_, Command::image_remove, "remove",
                               "remove an installed version that neither runs nor is committed",
                               "belay image remove shop 1.0");
    remove->add_option("name", invocation_.target, "of the image")->type_name("");
    remove->add_option("version", invocation_.name, "which of its versions")->type_name("");
    library(*remove);
    image_site_commands(file);
}

/// Those that a daemon is asked for.
void Parser::image_site_commands(const std::function<void(CLI::App&)>& file)
{
    CLI::App* publish =
        command(*image_, Command::image_publish, "publish",
                "give an image to the controller, which has it for its hosts; alone: to this host",
                "belay image publish shop-2.0.image");
    file(*publish);
    CLI::App* withdraw = command(*image_, Command::image_withdraw, "withdraw",
                                 "take an image back that was published; what is installed stays",
                                 "belay image withdraw shop 1.0");
    withdraw->add_option("name", invocation_.target, "of the image")->type_name("");
    withdraw->add_option("version", invocation_.name, "which of its versions")->type_name("");
    command(*image_, Command::image_summary, "summary",
            "every host and version: inactive, activated, committed; the upgrade that is on its way",
            "belay image summary");
    CLI::App* inactive = command(*image_, Command::image_remove_inactive, "remove-inactive",
                                 "remove on every host the versions that neither run nor are committed",
                                 "belay image remove-inactive --dry-run\n  belay image remove-inactive shop");
    CLI::App* clear =
        command(*image_, Command::image_clear, "clear",
                "where no operation is left that would say so: what runs counts as committed, on every host",
                "belay image clear shop --dry-run\n  belay image clear shop");
    for (CLI::App* app : {inactive, clear}) {
        app->add_option("name", invocation_.target, "of one image; all unless told")->type_name("");
        app->add_flag("--dry-run", invocation_.dry_run, "say what would be done");
    }
}

}  // namespace belay::cli
