// discord-digital-twin on a free port of 127.0.0.1, told by lines of JSON what people do there.
//
// The first line out says where it is; then each line in is answered by one line out: {"ok": …} or {"error": "…"}.

import http from 'node:http'
import readline from 'node:readline'
import { DigitalDiscord } from 'discord-digital-twin'

// The twin listens on all addresses; nobody but this machine has any business with it.
const listen = http.Server.prototype.listen
http.Server.prototype.listen = function (port, then) {
  return listen.call(this, port, '127.0.0.1', then)
}

const discord = new DigitalDiscord({
  guild: { name: 'Harbour' },
  channels: [{ name: 'help', type: 0 }],
  users: [{ username: 'ana' }],
})
await discord.start()

// It has no GET /gateway, which serenity asks for.
const server = discord.server.httpServer
const [answer] = server.listeners('request')
server.removeAllListeners('request')
server.on('request', (request, response) => {
  // It knows the application by its newer address only.
  request.url = request.url.replace('/oauth2/applications/@me', '/applications/@me')
  if (request.url.startsWith('/api/v10/gateway') && !request.url.startsWith('/api/v10/gateway/bot')) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ url: discord.gatewayUrl }))
  } else {
    answer(request, response)
  }
})

const [channel] = await discord.prisma.channel.findMany()
const user = await discord.getFirstNonBotUserId()
const ana = discord.channel(channel.id).user(user)

const deeds = {
  says: ({ content }) => ana.sendMessage({ content }),
  edits: ({ message, content }) => ana.editMessage({ messageId: message, content }),
  command: ({ name, options }) => ana.runSlashCommand({ name, options }),
  taps: ({ message, custom_id }) => ana.clickButton({ messageId: message, customId: custom_id }),
  picks: ({ message, custom_id, values }) => ana.selectMenu({ messageId: message, customId: custom_id, values }),
  submits: ({ custom_id, fields }) =>
    ana.submitModal({
      customId: custom_id,
      fields: Object.entries(fields).map(([customId, value]) => ({ customId, value })),
    }),
  messages: () => discord.channel(channel.id).getMessages(),
  response: ({ interaction }) => discord.channel(channel.id).getInteractionResponse(interaction),
}

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
say({
  port: discord.port,
  token: discord.botToken,
  application: discord.botUserId,
  guild: discord.guildId,
  channel: channel.id,
  user,
})

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  try {
    say({ ok: (await deeds[request.do](request)) ?? null })
  } catch (error) {
    say({ error: String(error) })
  }
}
process.exit(0)
