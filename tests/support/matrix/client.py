"""People on Matrix, for tests: matrix-nio, steered by JSON lines.

Each line on standard input is a request {"id", "do", "who", …}; each line on standard output the answer {"re", …}.
Nothing of Lantern is in here.
"""
import asyncio
import base64
import hashlib
import io
import json
import sys
import tempfile
import time

from nio import (
    AsyncClient,
    AsyncClientConfig,
    KeyVerificationKey,
    KeyVerificationMac,
    MegolmEvent,
    RoomMessage,
    ToDeviceMessage,
)
from nio.api import Api
from nio.crypto.sas import Sas
from nio.events import Event
from nio.events.to_device import ToDeviceEvent, UnknownToDeviceEvent


def commitment_holds(sas, key):
    """nio 0.26 compares a hexadecimal digest where the specification (and every other client) has unpadded base64."""
    start = Api.to_canonical_json(sas.start_verification().content)
    digest = hashlib.sha256(key.encode() + start.encode()).digest()
    return sas.commitment == base64.b64encode(digest).decode().rstrip("=")


class Established:
    """The method that nio offers is the one with the encoding that was wrong for years and stayed; it computes the other."""

    def __init__(self, inner):
        self.inner = inner
        self.bytes = inner.bytes
        self.calculate_mac = inner.calculate_mac_invalid_base64


make_shared_secret = Sas.diffie_hellman
Sas._check_commitment = commitment_holds
Sas.diffie_hellman = lambda sas, key: Established(make_shared_secret(sas, key))


class Person:
    """One device of one account, with everything that it has heard."""

    def __init__(self, server, user, device):
        folder = tempfile.mkdtemp(prefix="lantern-nio-")
        config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False, max_limit_exceeded=0)
        self.client = AsyncClient(server, user, device_id=device, store_path=folder, config=config)
        self.heard = []
        self.to_device = []
        self.news = asyncio.Event()
        self.syncing = None
        self.sas = None

    def hear(self, room, event):
        self.heard.append((room.room_id, event, time.time()))
        self.news.set()

    async def start(self, password):
        client = self.client
        answer = await client.login(password, device_name="test")
        if not getattr(answer, "access_token", None):
            raise RuntimeError(f"login: {answer}")
        client.add_event_callback(self.hear, Event)
        client.add_to_device_callback(self.hear_device, ToDeviceEvent)
        await client.sync(timeout=0, full_state=True)
        if client.should_upload_keys:
            await client.keys_upload()
        self.syncing = asyncio.create_task(self.sync())

    async def sync(self):
        while True:
            try:
                answer = await self.client.sync(timeout=20000)
                if not hasattr(answer, "next_batch"):
                    await asyncio.sleep(0.2)
                if self.client.should_upload_keys:
                    await self.client.keys_upload()
                if self.client.should_query_keys:
                    await self.client.keys_query()
                if self.client.should_claim_keys:
                    await self.client.keys_claim(self.client.get_users_for_key_claiming())
                await self.client.send_to_device_messages()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # a server that restarts
                print(f"sync: {error!r}", file=sys.stderr)
                await asyncio.sleep(0.2)

    async def hear_device(self, event):
        self.to_device.append(event)
        if isinstance(event, KeyVerificationKey) and self.sas:
            await self.client.send_to_device_messages()
            await asyncio.sleep(1)  # somebody looks at the emoji
            await self.client.confirm_short_auth_string(event.transaction_id)
        if isinstance(event, KeyVerificationMac) and self.sas:
            await self.client.to_device(self.plain("m.key.verification.done", event.transaction_id, {}))
        self.news.set()

    def plain(self, kind, transaction, content):
        device = self.sas
        return ToDeviceMessage(kind, device.user_id, device.id, {"transaction_id": transaction, **content})


class World:
    def __init__(self, server):
        self.server = server
        self.people = {}

    async def do_login(self, ask):
        person = Person(self.server, ask["user"], ask.get("device"))
        await person.start(ask["password"])
        self.people[ask["who"]] = person
        return {"user": person.client.user_id, "device": person.client.device_id}

    async def do_room(self, ask, me):
        state = []
        if ask.get("encrypted"):
            state.append({"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}})
        if ask.get("visibility"):
            state.append({"type": "m.room.history_visibility", "content": {"history_visibility": ask["visibility"]}})
        answer = await me.client.room_create(
            invite=ask.get("invite", []), is_direct=ask.get("direct", True), initial_state=state,
            room_version=ask.get("version"), space=ask.get("space", False),
        )
        if not hasattr(answer, "room_id"):
            raise RuntimeError(str(answer))
        return {"room": answer.room_id}

    async def do_invite(self, ask, me):
        return {"answer": str(await me.client.room_invite(ask["room"], ask["user"]))}

    async def do_join(self, ask, me):
        return {"answer": str(await me.client.join(ask["room"]))}

    async def do_leave(self, ask, me):
        return {"answer": str(await me.client.room_leave(ask["room"]))}

    async def do_kick(self, ask, me):
        return {"answer": str(await me.client.room_kick(ask["room"], ask["user"]))}

    async def do_ban(self, ask, me):
        return {"answer": str(await me.client.room_ban(ask["room"], ask["user"]))}

    async def do_state(self, ask, me):
        answer = await me.client.room_put_state(ask["room"], ask["type"], ask["content"])
        return {"answer": str(answer)}

    async def ready(self, me, room, members):
        """Waits until the room and its people are known here, so that keys go to all of them."""
        end = time.time() + 20
        while time.time() < end:
            here = me.client.rooms.get(room)
            if here is not None and len(here.users) >= members:
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"the room isn't there: {me.client.rooms.get(room)}")

    async def do_ready(self, ask, me):
        await self.ready(me, ask["room"], ask.get("members", 2))
        return {}

    async def do_send(self, ask, me):
        content = ask.get("content") or {"msgtype": "m.text", "body": ask["text"]}
        began = time.time()
        answer = await me.client.room_send(
            ask["room"], ask.get("type", "m.room.message"), content, ignore_unverified_devices=True
        )
        if not hasattr(answer, "event_id"):
            raise RuntimeError(str(answer))
        return {"event": answer.event_id, "at": began}

    async def do_pace(self, ask, me):
        """Sends `count` messages, one each `1 / rate` seconds, over these rooms in turn, or each after the answer to the
        one before where no rate is given; in each room by one of `people`. Gives the milliseconds from each message to
        its answer."""
        rooms, sent, tasks = ask["rooms"], {room: [] for room in ask["rooms"]}, []
        people = {room: self.people[name] for room, name in zip(rooms, ask["people"])}
        # A greeting, or an answer to what was asked before, that came now would be taken for an answer to this.
        heard = None
        while heard != (heard := [len(person.heard) for person in people.values()]):
            await asyncio.sleep(1)
        begin = {room: len(people[room].heard) for room in rooms}

        def answers(room):
            return [when for where, event, when in people[room].heard[begin[room]:] if where == room
                    and event.source.get("sender") == ask["sender"] and event.source.get("type") == "m.room.message"]

        async def send(room):
            sent[room].append(time.time())
            await people[room].client.room_send(room, "m.room.message", {"msgtype": "m.text", "body": ask["text"]},
                                                ignore_unverified_devices=True)

        async def wait(room, seconds=60):
            end = time.time() + seconds
            while len(answers(room)) < len(sent[room]) and time.time() < end:
                people[room].news.clear()
                try:
                    await asyncio.wait_for(people[room].news.wait(), 0.5)
                except asyncio.TimeoutError:
                    pass

        for at in range(ask["count"]):
            room = rooms[at % len(rooms)]
            if ask.get("rate"):
                tasks.append(asyncio.create_task(send(room)))
                await asyncio.sleep(1 / ask["rate"])
            else:
                await send(room)
                await wait(room)
        await asyncio.gather(*tasks)
        await asyncio.gather(*[wait(room) for room in rooms])
        times = [1000 * (answer - at) for room in rooms for at, answer in zip(sent[room], answers(room))]
        return {"times": times, "missing": ask["count"] - len(times)}

    async def do_pass(self, ask, me):
        """Sends `count` messages to somebody else in a room, each after the one before was received. Gives the milliseconds
        that each took. No bot has a part in it: it is the homeserver's and the clients' own time."""
        other, room, times = self.people[ask["to"]], ask["room"], []
        content = {"msgtype": "m.text", "body": "help"}
        for _ in range(ask["count"]):
            begin, began = len(other.heard), time.time()
            answer = await me.client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
            end = began + 60
            while time.time() < end:
                other.news.clear()
                whens = [when for _, event, when in other.heard[begin:]
                         if event.source.get("event_id") == answer.event_id]
                if whens:
                    times.append(1000 * (whens[0] - began))
                    break
                try:
                    await asyncio.wait_for(other.news.wait(), 0.5)
                except asyncio.TimeoutError:
                    pass
        return {"times": times, "missing": ask["count"] - len(times)}

    async def do_redact(self, ask, me):
        return {"answer": str(await me.client.room_redact(ask["room"], ask["event"]))}

    async def do_hear(self, ask, me):
        """The next `count` events of one sender in a room from position `from` on, or what there is when the time is
        up. `next` stands behind the last of them, so that nothing is passed over that came together with it."""
        end = time.time() + ask.get("seconds", 20)
        kinds = ask.get("types", ["m.room.message"])
        count = ask.get("count", 1)
        while True:
            me.news.clear()
            found, after = [], len(me.heard)
            for at, (room, event, when) in enumerate(me.heard):
                source = event.source
                if at < ask.get("from", 0) or room != ask["room"] or source.get("sender") != ask["sender"]:
                    continue
                kind = "sealed" if isinstance(event, MegolmEvent) else source.get("type")
                if kind in kinds:
                    found.append({**source, "type": kind, "when": when, "encrypted": getattr(event, "decrypted", False)})
                if len(found) == count:
                    after = at + 1
                    break
            left = end - time.time()
            if len(found) == count or left <= 0:
                return {"events": found, "next": after}
            try:
                await asyncio.wait_for(me.news.wait(), min(left, 1))
            except asyncio.TimeoutError:
                pass

    async def do_position(self, ask, me):
        return {"next": len(me.heard)}

    async def do_members(self, ask, me):
        answer = await me.client.joined_members(ask["room"])
        return {"members": [member.user_id for member in getattr(answer, "members", [])]}

    async def do_member(self, ask, me):
        """What a room says of somebody: whether they are in it, and why not."""
        answer = await me.client.room_get_state_event(ask["room"], "m.room.member", ask["user"])
        return {"content": getattr(answer, "content", {})}

    async def do_upload(self, ask, me):
        """Sends a file into a room."""
        body, encrypted = ask["text"].encode(), ask.get("encrypted", False)
        answer, keys = await me.client.upload(
            io.BytesIO(body), content_type="text/markdown", filename=ask["name"], encrypt=encrypted, filesize=len(body)
        )
        if not hasattr(answer, "content_uri"):
            raise RuntimeError(str(answer))
        content = {"msgtype": "m.file", "body": ask.get("caption", ask["name"]), "filename": ask["name"],
                   "info": {"size": len(body), "mimetype": "text/markdown"}}
        if encrypted:
            content["file"] = {"url": answer.content_uri, **keys}
        else:
            content["url"] = answer.content_uri
        return await self.do_send({"room": ask["room"], "content": content}, me)

    async def do_download(self, ask, me):
        from nio.crypto.attachments import decrypt_attachment

        file = ask.get("file")
        answer = await me.client.download(file["url"] if file else ask["url"])
        body = answer.body
        if file:
            body = decrypt_attachment(body, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        return {"text": body.decode()}

    async def know(self, me, user):
        """Waits until the user's devices are known here."""
        end = time.time() + 20
        while not list(me.client.device_store.active_user_devices(user)) and time.time() < end:
            if me.client.should_query_keys:
                await me.client.keys_query()
            await asyncio.sleep(0.1)

    async def do_devices(self, ask, me):
        await self.know(me, ask["user"])
        devices = me.client.device_store.active_user_devices(ask["user"])
        return {"devices": [device.id for device in devices]}

    async def do_withhold(self, ask, me):
        """The next message of the room is encrypted with a key that nobody gets."""
        me.client.olm.create_outbound_group_session(ask["room"])
        session = me.client.olm.outbound_group_sessions[ask["room"]]
        session.shared = True
        me.kept_back = {
            "algorithm": "m.megolm.v1.aes-sha2", "room_id": ask["room"],
            "session_id": session.id, "session_key": session.session_key,
        }
        return {}

    async def do_hand_over(self, ask, me):
        """Gives a user the key that was kept back."""
        client = me.client
        await self.know(me, ask["user"])
        missing = {ask["user"]: [device.id for device in client.device_store.active_user_devices(ask["user"])
                                 if not client.olm.session_store.get(device.curve25519)]}
        if missing[ask["user"]]:
            await client.keys_claim(missing)
        for device in client.device_store.active_user_devices(ask["user"]):
            session = client.olm.session_store.get(device.curve25519)
            content = client.olm._olm_encrypt(session, device, "m.room_key", me.kept_back)
            await client.to_device(ToDeviceMessage("m.room.encrypted", device.user_id, device.id, content))
        return {}

    async def do_keys(self, ask, me):
        """What the server says of a user's keys, unfiltered."""
        answer = await me.client.send(
            "POST", "/_matrix/client/v3/keys/query", json.dumps({"device_keys": {ask["user"]: []}}),
            headers={"Authorization": f"Bearer {me.client.access_token}", "Content-Type": "application/json"},
        )
        return {"keys": await answer.json()}

    async def do_verify(self, ask, me):
        await self.know(me, ask["user"])
        device = next(iter(me.client.device_store.active_user_devices(ask["user"])))
        me.sas = device
        sas = me.client.olm.create_sas(device)  # the start message, with a name of its own
        sas = next(iter(me.client.key_verifications.values()))
        name = sas.transaction_id
        await me.client.to_device(me.plain("m.key.verification.request", name, {
            "from_device": me.client.device_id, "methods": ["m.sas.v1"], "timestamp": int(time.time() * 1000),
        }))
        await self.until(me, lambda event: isinstance(event, UnknownToDeviceEvent)
                         and event.source.get("type") == "m.key.verification.ready")
        await me.client.to_device(sas.start_verification())
        await self.until(me, lambda event: isinstance(event, KeyVerificationMac))
        await asyncio.sleep(0.5)
        return {"verified": sas.verified}

    async def until(self, me, wanted):
        end = time.time() + 20
        while time.time() < end:
            me.news.clear()
            if any(wanted(event) for event in me.to_device):
                return
            try:
                await asyncio.wait_for(me.news.wait(), 0.5)
            except asyncio.TimeoutError:
                pass
        raise RuntimeError(f"it never came: {[event.source for event in me.to_device]}")

    async def do_logout(self, ask, me):
        me.syncing.cancel()
        await me.client.logout()
        await me.client.close()
        return {}

    async def answer(self, line):
        ask = json.loads(line)
        try:
            action = getattr(self, "do_" + ask["do"])
            if ask["do"] == "login":
                answer = await action(ask)
            else:
                answer = await action(ask, self.people[ask["who"]])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"re": ask["id"], **answer}), flush=True)


async def main():
    world = World(sys.argv[1])
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(world.answer(line))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
