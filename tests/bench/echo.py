"""The least bot that matrix-nio can be: joins, and sends every message back. For comparison."""
import asyncio
import sys
import tempfile

from nio import AsyncClient, AsyncClientConfig, InviteMemberEvent, RoomMessageText


async def main():
    server, user, password = sys.argv[1:4]
    config = AsyncClientConfig(encryption_enabled=True)
    client = AsyncClient(server, user, store_path=tempfile.mkdtemp(prefix="lantern-echo-"), config=config)
    await client.login(password)

    async def invited(room, event):
        if event.membership == "invite" and event.state_key == client.user_id:
            await client.join(room.room_id)

    async def said(room, event):
        if event.sender != client.user_id:
            content = {"msgtype": "m.text", "body": event.body}
            await client.room_send(room.room_id, "m.room.message", content, ignore_unverified_devices=True)

    client.add_event_callback(invited, InviteMemberEvent)
    await client.sync(timeout=0, full_state=True)
    client.add_event_callback(said, RoomMessageText)
    print("ready", flush=True)
    await client.sync_forever(timeout=30000)


asyncio.run(main())
