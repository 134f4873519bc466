// Words of models from any address: a part of `strings.ts`.

export const ofAddresses = {
  address: {
    title: 'From an address',
    about: 'A .gguf or a zip on a hub or any server that lets pages read it. The server sees the request, and nothing else.',
    label: 'Address of the file',
    look: 'Look what is there',
    looking: 'Asking the server…',
    offer: (host: string, file: string, size: string) => `${host} offers ${file}, ${size}.`,
    have: (size: string) => ` ${size} of it have come already.`,
    fetch: (host: string) => `Fetch it from ${host}`,
    goOn: (host: string) => `Go on fetching from ${host}`,
    stop: 'Stop',
    asked: (asked: { host: string; file: string }[]) =>
      `Asked in this visit: ${[...new Set(asked.map(({ host, file }) => `${host} for ${file}`))].join('; ')}.`,
    none: 'This is no address. It begins with https://.',
    insecure: 'Only addresses that begin with https:// are asked, or those of this computer.',
    missing: (host: string, status: number) => `${host} has no such file (it answers ${status}).`,
    page: 'A page is there instead of a file. Copy the address of the file itself, as its download button has it.',
    kind: 'The address must end in .gguf or .zip.',
    noSize: 'The server does not say how large the file is, so it is not fetched.',
    otherSize: (came: string, size: string) => `It is of another size than announced (${came} instead of ${size}). What came was thrown away.`,
    noStorage: 'This browser cannot store a file while it arrives. Download it, and choose it from your disk.',
    failed: {
      network: 'Nothing came: the network is down, the server is not there, or it does not let pages read the file. What has come is kept.',
      stopped: 'Stopped. What has come is kept.',
      silent: 'The server has been silent for a minute. What has come is kept.',
    },
  },
};
