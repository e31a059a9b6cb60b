"""Runs one command: a session around it, a renderer behind it, a line on stderr for what fails or is to be known."""

from __future__ import annotations

import sys

from rocketpy.admin.command import Command, CommandFailed, Given, UsageMistake
from rocketpy.admin.hints import explained
from rocketpy.admin.items import Ends, Failed, Noted
from rocketpy.admin.render import Renderer, renderer
from rocketpy.admin.session import Session
from rocketpy.errors import RocketPyError


async def run(command: Command, given: Given, *, as_json: bool) -> int:
    """0, 1 when something failed and was told, or the command's own code.

    UsageMistake and CommandFailed are the caller's to tell.
    """
    to_broker = command.goes_to_broker(given)
    session = Session(given.maybe("n"), progress_shown=sys.stderr.isatty(), goes_to_broker=to_broker)
    output = renderer(as_json=as_json)
    try:
        await session.ask_address_server()
        return await printed(command, given, session, output)
    except RocketPyError as error:
        if isinstance(error, (UsageMistake, CommandFailed)):
            raise
        raise CommandFailed(await explained(error, session)) from error
    finally:
        output.end()
        await session.close()


async def printed(command: Command, given: Given, session: Session, output: Renderer) -> int:
    """Print every item; whether all of it went well."""
    code = 0
    async for item in command.run(session, given):
        if isinstance(item, Failed):
            code = 1
            why = await explained(item.error, session)
            where = "" if item.where in why else f"{item.where}: "
            print(f"mqadmin: {command.name}: {where}{why}", file=sys.stderr)
        elif isinstance(item, Noted):
            print(f"mqadmin: {command.name}: {item.where}: {item.what}", file=sys.stderr)
        elif isinstance(item, Ends):
            code = item.code
        else:
            output.take(item)
    return code
