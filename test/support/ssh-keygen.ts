// OpenSSH's ssh-keygen as the oracle for keys and signatures.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peerPath } from './peers.ts'

export type SshKeyFiles = {
  /** Path of the private key; `${path}.pub` is beside it. */
  readonly path: string
  readonly privateText: string
  /** `ssh-ed25519 AAAA…`, without the comment. */
  readonly publicLine: string
}

/** Runs ssh-keygen to its end, whatever its exit code. */
export function sshKeygen(
  args: readonly string[],
  input: Uint8Array | string = '',
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(peerPath('ssh-keygen') ?? 'ssh-keygen', args, {
      env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 128, stdout, stderr }))
    // It may have decided before it read its input (EPIPE); its exit code tells.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** A fresh key: `['-t', 'ed25519']`, `['-t', 'rsa', '-b', '2048']`, … */
export async function makeSshKey(
  folder: string,
  name: string,
  kind: readonly string[],
  passphrase = '',
): Promise<SshKeyFiles> {
  const path = join(folder, name)
  const made = await sshKeygen([...kind, '-q', '-N', passphrase, '-C', name, '-f', path])
  if (made.code !== 0) throw new Error(`ssh-keygen ${kind.join(' ')}: ${made.stderr}`)
  const publicLine = readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
  return { path, privateText: readFileSync(path, 'utf8'), publicLine }
}

/** The armored signature that `ssh-keygen -Y sign` makes. */
export async function signWithKeygen(
  key: SshKeyFiles,
  namespace: string,
  message: Uint8Array | string,
  options: readonly string[] = [],
): Promise<string> {
  const signed = await sshKeygen(
    ['-Y', 'sign', '-n', namespace, '-f', key.path, ...options.flatMap((o) => ['-O', o])],
    message,
  )
  if (signed.code !== 0) throw new Error(`ssh-keygen -Y sign: ${signed.stderr}`)
  return signed.stdout
}

/** Whether `ssh-keygen -Y verify` takes the signature for `identity` at a time (`YYYYMMDDHHMMSSZ`). */
export async function keygenVerifies(input: {
  readonly folder: string
  readonly allowedSigners: string
  readonly identity: string
  readonly namespace: string
  readonly message: Uint8Array | string
  readonly signature: string
  readonly time?: string
}): Promise<boolean> {
  const signers = join(input.folder, 'oracle-signers')
  const signature = join(input.folder, 'oracle.sig')
  writeFileSync(signers, input.allowedSigners)
  writeFileSync(signature, input.signature)
  const args = ['-Y', 'verify', '-f', signers, '-I', input.identity, '-n', input.namespace]
  const time = input.time === undefined ? [] : ['-O', `verify-time=${input.time}`]
  const run = await sshKeygen([...args, '-s', signature, ...time], input.message)
  return run.code === 0
}
