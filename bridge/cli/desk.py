"""Who may sign in at the built-in web desk."""

import click

from bridge.cli.common import CONFIG, guarded, read_config


@click.group()
def desk() -> None:
    """The built-in web desk."""


@desk.command(name="add-agent")
@click.argument("agent", metavar="NAME")
@click.option("--account", "name", metavar="NAME", required=True)
@click.option("--password", envvar="BRIDGE_AGENT_PASSWORD", help="Else it is asked for, or read from standard input.")
@CONFIG
@guarded
def desk_add_agent(agent: str, name: str, password: str | None, config: str | None) -> None:
    """A sign-in for an agent of the built-in web desk."""
    from bridge.cli.accounts import asked, sign_in, with_account

    given = asked(password)
    with_account(config, name, lambda connector: sign_in(connector, agent, given))
    click.echo(f"{agent} can sign in at {read_config(config)[0].bridge.public_url}/desk/{name}/")


@desk.command(name="set-password")
@click.argument("agent", metavar="NAME")
@click.option("--account", "name", metavar="NAME", required=True)
@click.option("--password", envvar="BRIDGE_AGENT_PASSWORD", help="Else it is asked for, or read from standard input.")
@CONFIG
@guarded
def desk_set_password(agent: str, name: str, password: str | None, config: str | None) -> None:
    """A new password for an agent; whoever is signed in with the old one has to sign in again."""
    from bridge.cli.accounts import asked, new_password, with_account

    given = asked(password)
    with_account(config, name, lambda connector: new_password(connector, agent, given))
    click.echo(f"{agent} has a new password")


@desk.command(name="remove-agent")
@click.argument("agent", metavar="NAME")
@click.option("--account", "name", metavar="NAME", required=True)
@CONFIG
@guarded
def desk_remove_agent(agent: str, name: str, config: str | None) -> None:
    """Takes a sign-in away. What the agent wrote stays."""
    from bridge.cli.accounts import sign_out_for_good, with_account

    with_account(config, name, lambda connector: sign_out_for_good(connector, agent))
    click.echo(f"{agent} cannot sign in any more")


@desk.command(name="agents")
@click.option("--account", "name", metavar="NAME", required=True)
@CONFIG
@guarded
def desk_agents(name: str, config: str | None) -> None:
    """Who may sign in at the built-in web desk."""
    from bridge.cli.accounts import agents_of, with_account

    for one in with_account(config, name, agents_of):
        click.echo(one)
