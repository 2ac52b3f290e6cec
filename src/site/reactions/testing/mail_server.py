"""For tests: a mail server by aiosmtpd that keeps what it took.

usage: mail_server.py FOLDER MODE [CERTIFICATE KEY ACCOUNT PASSWORD]
While there is a FOLDER/busy, it refuses every mail for now. MODE: none, starttls, tls; with "-later" or "-never" it refuses every mail for now or for good, with "-hangs" it
answers nothing once the mail is there. Writes FOLDER/port when it serves, and FOLDER/N.json for each mail.
"""

import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, mode = sys.argv[1], sys.argv[2]
certificate, key, account, password = (sys.argv[3:] + [""] * 4)[:4]
how, _, fault = mode.partition("-")
count = 0


class Keeper:
    async def handle_DATA(self, server, session, envelope):
        global count
        if fault == "hangs":
            await asyncio.sleep(3600)
        if fault == "later" or os.path.exists(f"{folder}/busy"):
            return "451 later"
        if fault == "never":
            return "554 never"
        count += 1
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.content.decode("ascii"),
            "encrypted": session.ssl is not None or how == "tls",
            "authenticated": bool(session.authenticated),
        }
        with open(f"{folder}/{count}.part", "w") as file:
            json.dump(kept, file)
        os.rename(f"{folder}/{count}.part", f"{folder}/{count}.json")
        return "250 kept"


def check(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == account.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False)


async def serve():
    context = None
    if how != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()

    def session():
        return SMTP(
            Keeper(),
            hostname="mail.test",
            tls_context=context if how == "starttls" else None,
            require_starttls=how == "starttls",
            authenticator=check if account else None,
            auth_required=bool(account),
            auth_require_tls=how == "starttls",
            loop=loop,
        )

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if how == "tls" else None)
    with open(f"{folder}/port.part", "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(f"{folder}/port.part", f"{folder}/port")
    await server.serve_forever()


asyncio.run(serve())
