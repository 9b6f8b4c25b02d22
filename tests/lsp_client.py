"""The language server as a client sees it that shares no code with it: pytest-lsp (pygls, lsprotocol) over standard streams.

QNN_LSP names the server's binary. `lsp/tests/foreign.rs` runs this file; by hand: QNN_LSP=target/debug/qnn-lsp python -m pytest tests/lsp_client.py.
"""

import asyncio
import json
import os
import pathlib
import time

import pytest
import pytest_lsp
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

SERVER = [os.environ["QNN_LSP"], "--stdio", "--no-cache"]
EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
PATIENCE = 120.0

SPEC = """type T = uint<4>;
network double(x: T) -> uint<4> { (x * 2) as uint<4> }
property small = forall x: T where x <= 3: double(x) <= 6;
property large = forall x: T: double(x) <= 14;
"""


def collect(client: LanguageClient):
    """Merges the server's statuses as docs/protocol.md says."""
    client.states = {}

    client.registered = []

    @client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
    def on_register(params):
        client.registered.extend(registration.method for registration in params.registrations)

    @client.feature(lsp.WORKSPACE_CODE_LENS_REFRESH)
    @client.feature(lsp.WORKSPACE_INLAY_HINT_REFRESH)
    def on_refresh(_params):
        return None

    @client.feature("qnn/verificationStatus")
    def on_status(status):
        client.active = status.active
        for property in status.properties:
            for instance in property.instances:
                client.states[instance.name] = instance.state


@pytest_lsp.fixture(config=ClientServerConfig(server_command=SERVER))
async def client(lsp_client: LanguageClient, tmp_path):
    collect(lsp_client)
    params = lsp.InitializeParams(capabilities=client_capabilities("visual-studio-code"), root_uri=tmp_path.as_uri())
    result = await lsp_client.initialize_session(params)
    assert result.server_info.name == "qnn-lsp"
    assert result.capabilities.position_encoding == "utf-16"
    lsp_client.folder = tmp_path
    yield
    await lsp_client.shutdown_session()


def opened(client, text, name="spec.qnn"):
    path = client.folder / name
    path.write_text(text)
    uri = path.as_uri()
    item = lsp.TextDocumentItem(uri=uri, language_id="qnn", version=1, text=text)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))
    return uri


def changed(client, uri, version, start, end, text):
    span = lsp.Range(start=lsp.Position(*start), end=lsp.Position(*end))
    change = lsp.TextDocumentContentChangePartial(range=span, text=text)
    document = lsp.VersionedTextDocumentIdentifier(uri=uri, version=version)
    client.text_document_did_change(lsp.DidChangeTextDocumentParams(text_document=document, content_changes=[change]))


def saved(client, uri):
    client.text_document_did_save(lsp.DidSaveTextDocumentParams(text_document=lsp.TextDocumentIdentifier(uri=uri)))


async def until(what, holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"in vain: {what}"
        await asyncio.sleep(0.02)


def units(text):
    """The length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def columns(line, needle):
    """Where a text stands in a line, in UTF-16 units."""
    begin = units(line[: line.index(needle)])
    return begin, begin + units(needle)


def problems(client, uri, source="qnn"):
    return [d for d in client.diagnostics.get(uri, []) if d.source == source]


@pytest.mark.asyncio
async def test_saving_verifies(client):
    uri = opened(client, SPEC)
    await until("verdicts on opening", lambda: client.states == {"small": "proved", "large": "violated"})
    await until("a diagnostic", lambda: len(problems(client, uri, "qnn verify")) == 1)
    await until("it wants to hear of settings", lambda: "workspace/didChangeConfiguration" in client.registered)
    column = columns(SPEC.splitlines()[3], "14")
    changed(client, uri, 2, (3, column[0]), (3, column[1]), "15")
    await until("it is stale at once", lambda: client.states == {"small": "proved", "large": "stale"})
    saved(client, uri)
    await until("the new verdict", lambda: client.states == {"small": "proved", "large": "proved"})
    await until("no diagnostic", lambda: not problems(client, uri, "qnn verify"))
    lenses = await client.text_document_code_lens_async(
        lsp.CodeLensParams(text_document=lsp.TextDocumentIdentifier(uri=uri))
    )
    assert any("✓ proved" in lens.command.title for lens in lenses)


@pytest.mark.asyncio
async def test_columns_count_utf_16_units(client):
    line = 'use "😀🧠.qnn"; property p = forall eingang: uint<4>: eingang <= nothing;'
    uri = opened(client, line + "\n")
    await until("both problems", lambda: len(problems(client, uri)) == 2)
    found = {(d.range.start.character, d.range.end.character) for d in problems(client, uri)}
    assert columns(line, "nothing") in found, found
    assert any(begin == columns(line, '"😀🧠.qnn"')[0] for begin, _ in found), found
    # What a position means is the same in both directions, and after an edit behind the emoji.
    begin, end = columns(line, "nothing")
    changed(client, uri, 2, (0, begin), (0, end), "eingang")
    await until("it is gone", lambda: not any("nothing" in d.message for d in problems(client, uri)))
    position = lsp.Position(line=0, character=begin + 2)
    edit = await client.text_document_rename_async(
        lsp.RenameParams(text_document=lsp.TextDocumentIdentifier(uri=uri), position=position, new_name="x")
    )
    edits = (edit.changes or {}).get(uri) or edit.document_changes[0].edits
    line = line.replace("nothing", "eingang")
    places = [units(line[:i]) for i in range(len(line)) if line.startswith("eingang", i)]
    assert sorted(e.range.start.character for e in edits) == places


@pytest.mark.asyncio
async def test_a_large_file(client):
    count = 400
    head = "type T = uint<4>;\n" + "// " + "x" * 200_000 + "\n"
    text = head + "".join(f"property p{i} = forall x: T: x <= {15 - i % 2};\n" for i in range(count))
    uri = opened(client, text)
    await until("all verdicts", lambda: len(client.states) == count and not client.active)
    assert sum(state == "violated" for state in client.states.values()) == count // 2
    symbols = await client.text_document_document_symbol_async(
        lsp.DocumentSymbolParams(text_document=lsp.TextDocumentIdentifier(uri=uri))
    )
    assert len(symbols) == count + 1


@pytest.mark.asyncio
async def test_cancelling(client):
    uses = (EXAMPLES / "digits" / "digits.qnn").as_posix()
    uri = opened(
        client,
        f'use "{uses}";\n#[engine(smt)]\n#[timeout(600s)]\n'
        "property slow(i in 0..3) = forall x in ball(test[i].image, 24 lsb) where valid(x): "
        "argmax(deep<8>(x)) == argmax(deep<6>(x));\n",
    )
    await until("it runs", lambda: "running" in client.states.values())
    begun = time.monotonic()
    result = await client.workspace_execute_command_async(
        lsp.ExecuteCommandParams(command="qnn.cancel", arguments=[{"uri": uri}])
    )
    assert result["cancelled"] == 3
    await until("nothing runs", lambda: set(client.states.values()) == {"unknown"})
    assert time.monotonic() - begun < 30
    # A request that is cancelled gets one answer, and the next one is served.
    params = lsp.HoverParams(text_document=lsp.TextDocumentIdentifier(uri=uri), position=lsp.Position(3, 10))
    requests = [asyncio.ensure_future(client.text_document_hover_async(params)) for _ in range(20)]
    for request in requests[:-1]:
        request.cancel()
    assert (await asyncio.wait_for(requests[-1], PATIENCE)) is not None


class Raw:
    """A server without a client library: what is sent is sent as it is."""

    def __init__(self, process):
        self.process = process
        self.number = 0

    @classmethod
    async def start(cls):
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*SERVER, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL))

    def send(self, body):
        if not isinstance(body, bytes):
            body = json.dumps({"jsonrpc": "2.0", **body}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def request(self, method, params=None):
        self.number += 1
        self.send({"id": self.number, "method": method, **({} if params is None else {"params": params})})
        while True:
            message = await asyncio.wait_for(self.read(), PATIENCE)
            if message.get("id") == self.number and "method" not in message:
                return message

    async def read(self):
        head = await self.process.stdout.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        return json.loads(await self.process.stdout.readexactly(length))

    async def initialize(self):
        answer = await self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        assert answer["result"]["serverInfo"]["name"] == "qnn-lsp"
        self.send({"method": "initialized", "params": {}})

    async def ended(self):
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@pytest.mark.asyncio
async def test_lifecycle():
    server = await Raw.start()
    early = await server.request("textDocument/hover", {})
    assert early["error"]["code"] == -32002
    await server.initialize()
    assert (await server.request("shutdown"))["result"] is None
    late = await server.request("textDocument/hover", {})
    assert late["error"]["code"] == -32600
    server.send({"method": "exit"})
    assert await server.ended() == 0


@pytest.mark.asyncio
async def test_exit_without_shutdown_is_a_failure():
    server = await Raw.start()
    await server.initialize()
    server.send({"method": "exit"})
    assert await server.ended() == 1


@pytest.mark.asyncio
async def test_a_client_that_dies_takes_its_server_along():
    server = await Raw.start()
    await server.initialize()
    server.process.stdin.close()
    assert await server.ended() is not None


@pytest.mark.asyncio
async def test_what_is_no_message_harms_nothing():
    server = await Raw.start()
    await server.initialize()
    for body in [b"hello", b"\xff\xfe", b"{", b"[]", b'{"jsonrpc":"2.0"}', b'{"jsonrpc":"2.0","method":3}', b"null"]:
        server.send(body)
    server.send({"method": "textDocument/didOpen", "params": {"textDocument": 5}})
    server.send({"method": "textDocument/didChange", "params": None})
    answer = await server.request("workspace/symbol", {"query": ""})
    assert "result" in answer, answer
    assert (await server.request("no/such/method"))["error"]["code"] == -32601
    await server.request("shutdown")
    server.send({"method": "exit"})
    assert await server.ended() == 0


@pytest.mark.asyncio
async def test_a_killed_server_leaves_nothing_that_hinders_the_next(tmp_path):
    path = tmp_path / "spec.qnn"
    path.write_text(SPEC)
    for _ in range(2):
        server = await Raw.start()
        await server.initialize()
        document = {"uri": path.as_uri(), "languageId": "qnn", "version": 1, "text": SPEC}
        server.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while True:
            message = await asyncio.wait_for(server.read(), PATIENCE)
            if message.get("method") == "qnn/verificationStatus" and message["params"]["counts"]["proved"] == 1:
                break
        server.process.kill()
        await server.ended()
