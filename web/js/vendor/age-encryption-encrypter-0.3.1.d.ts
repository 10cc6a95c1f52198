export { Encrypter } from "age-encryption";
