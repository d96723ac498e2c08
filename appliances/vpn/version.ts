// The version of this program, which the build puts in.

export const VERSION: string = process.env.CAIRN_VERSION ?? 'from source'
