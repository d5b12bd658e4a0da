/** A document whose key was found with a password. */
export interface OfficeCipher {
  /** The package within the stream EncryptedPackage, in which eight bytes with its size come first. */
  decrypt(encryptedPackage: Buffer): Buffer;
}
