// A real OpenID Connect provider for the tests. It signs in whoever the cookie "as" names, and says where it listens.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const groups = { marie: ["everyone", "brand-marketing"], paul: ["brand-privacy"], ada: ["brand-admin", "brand-privacy"], guest: ["everyone"] };
const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const client = (id) => ({ client_id: id, client_secret: "a secret of the tests", redirect_uris: ["http://127.0.0.1:9/console/sign-in/callback"], token_endpoint_auth_method: "client_secret_basic" });
const provider = new Provider(issuer, {
  clients: [client("rapport"), client("another")],
  claims: { openid: ["sub", "groups"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  async findAccount(_, id) { return { accountId: id, claims: async () => ({ sub: id, name: id, groups: groups[id] }) }; },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();
server.on("request", async (req, res) => {
  if (!req.url.startsWith("/interaction/")) return answer(req, res);
  const as = /(?:^|; )as=(\w+)/.exec(req.headers.cookie ?? "")?.[1];
  if (!as) return res.writeHead(403).end();
  await provider.interactionFinished(req, res, { login: { accountId: as } });
});
console.log(issuer);
process.stdin.on("end", () => process.exit(0)).resume();
